"""A study in pictures: plotly figures in the manner of `optuna.visualization`. No torch.

Each takes a study, and optionally the trials to look at. Where there is too little to draw, the
figure says in a line what is missing. The numbers are those of `optunas.insights`.
"""

from optunas.visualization.agreement import plot_agreement as plot_agreement
from optunas.visualization.cost import plot_cost as plot_cost
from optunas.visualization.curves import plot_learning_curves as plot_learning_curves
from optunas.visualization.effects import plot_effects as plot_effects
from optunas.visualization.importances import plot_importances as plot_importances
from optunas.visualization.operations import plot_operations as plot_operations
from optunas.visualization.savings import plot_savings as plot_savings
from optunas.visualization.timeline import plot_timeline as plot_timeline

__all__ = [
    "plot_agreement",
    "plot_cost",
    "plot_effects",
    "plot_importances",
    "plot_learning_curves",
    "plot_operations",
    "plot_savings",
    "plot_timeline",
]
