"""From a description to a `torch.nn.Module`."""

from .attention import SelfAttention as SelfAttention
from .attention import WindowSelfAttention as WindowSelfAttention
from .build import build as build
from .channels import Shuffle as Shuffle
from .channels import Slice as Slice
from .graph import Graph as Graph
from .initialise import initialise as initialise
from .modules import Parallel as Parallel
from .recurrent import Recurrence as Recurrence
from .resize import Resize as Resize
from .tokens import TokenReader as TokenReader
from .zero import Padding as Padding
from .zero import Zeros as Zeros

__all__ = [
    "Graph",
    "Padding",
    "Parallel",
    "Recurrence",
    "Resize",
    "SelfAttention",
    "Shuffle",
    "Slice",
    "TokenReader",
    "WindowSelfAttention",
    "Zeros",
    "build",
    "initialise",
]
