"""Search spaces: how a trial chooses an architecture. One file a space."""

from .convnet import ConvNet as ConvNet
from .draw import Draw as Draw
from .draw import draw as draw
from .space import Space as Space

__all__ = ["ConvNet", "Draw", "Space", "draw"]
