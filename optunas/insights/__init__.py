"""What a study shows, in numbers: for pictures, pages and sentences. Neither torch nor plotly."""

from optunas.insights.adjusted import Estimate as Estimate
from optunas.insights.agreement import Agreed as Agreed
from optunas.insights.agreement import Agreement as Agreement
from optunas.insights.agreement import agreement as agreement
from optunas.insights.difference import Difference as Difference
from optunas.insights.difference import difference as difference
from optunas.insights.effects import Effect as Effect
from optunas.insights.effects import effects as effects
from optunas.insights.findings import Finding as Finding
from optunas.insights.findings import findings as findings
from optunas.insights.front import Front as Front
from optunas.insights.front import Point as Point
from optunas.insights.front import front as front
from optunas.insights.importances import Importance as Importance
from optunas.insights.importances import importances as importances
from optunas.insights.operations import Operations as Operations
from optunas.insights.operations import Share as Share
from optunas.insights.operations import operations as operations
from optunas.insights.savings import Saving as Saving
from optunas.insights.savings import Savings as Savings
from optunas.insights.savings import savings as savings
from optunas.insights.timeline import Span as Span
from optunas.insights.timeline import timeline as timeline

__all__ = [
    "Agreed",
    "Agreement",
    "Difference",
    "Effect",
    "Estimate",
    "Finding",
    "Front",
    "Importance",
    "Operations",
    "Point",
    "Saving",
    "Savings",
    "Share",
    "Span",
    "agreement",
    "difference",
    "effects",
    "findings",
    "front",
    "importances",
    "operations",
    "savings",
    "timeline",
]
