"""What a search shows: findings in words, and figures. It reads any Optuna study.

Here a formula stands for the training: kernel 5 is worth two points and some time, the rest
nothing. A study of optunas shows more (layers by depth, what pruning saved, who ran what).
"""

import random

import optuna

import optunas


def objective(trial: optuna.Trial) -> float:
    kernel = trial.suggest_categorical("kernel", (3, 5, 7))
    trial.suggest_categorical("activation", ("relu", "silu", "gelu"))
    trial.set_user_attr("latency_ms", 1 + 0.1 * kernel + random.gauss(0, 0.05))
    return 0.9 + 0.02 * (kernel == 5) + random.gauss(0, 0.01)


random.seed(0)
optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
study.set_metric_names(["accuracy"])
study.optimize(objective, n_trials=80)

for finding in optunas.insights.findings(study):
    print(finding.text)
optunas.visualization.plot_effects(study).write_html("effects.html", include_plotlyjs="cdn")
print("effects.html shows what each choice is worth")
