"""From a description to a `torch.nn.Module`."""

from .build import build as build
from .initialise import initialise as initialise
from .modules import Parallel as Parallel

__all__ = ["Parallel", "build", "initialise"]
