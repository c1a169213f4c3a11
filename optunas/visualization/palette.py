"""The colours of the figures: Okabe & Ito's (2008), told apart by people of any colour vision.

Figures have no background of their own, so text and lines are a grey that reads on white (4.5:1) as
on near black (4.4:1).
"""

from __future__ import annotations

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"

TEXT = "#767676"
FAINT = "rgba(128,128,128,0.25)"
NOTHING = "rgba(0,0,0,0)"
GREY = "#999999"

OUTCOMES = {
    "trained": BLUE,
    "reused": SKY,
    "pruned": ORANGE,
    "rejected": GREY,
    "failed": VERMILION,
    "interrupted": PURPLE,
    "running": GREEN,
}
"""How a trial ended, or that it runs."""

BETTER, WORSE, UNCLEAR = BLUE, VERMILION, GREY

DIVERGING = ((0.0, VERMILION), (0.5, "rgba(128,128,128,0.06)"), (1.0, BLUE))
"""Less, as much, more."""


def faded(colour: str, opacity: float) -> str:
    """A colour `#RRGGBB` that lets so much through: `rgba(...)`."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"
