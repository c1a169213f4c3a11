"""A study in pictures: plotly figures in the manner of `optuna.visualization`. No torch."""

__all__: list[str] = []
