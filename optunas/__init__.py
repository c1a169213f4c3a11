"""Neural architecture search the Optuna way."""
