"""From a description to a `torch.nn.Module`."""

from optunas.nn.attention import SelfAttention as SelfAttention
from optunas.nn.attention import WindowSelfAttention as WindowSelfAttention
from optunas.nn.build import build as build
from optunas.nn.channels import Shuffle as Shuffle
from optunas.nn.channels import Slice as Slice
from optunas.nn.graph import Graph as Graph
from optunas.nn.initialise import initialise as initialise
from optunas.nn.modules import Parallel as Parallel
from optunas.nn.recurrent import Recurrence as Recurrence
from optunas.nn.resize import Resize as Resize
from optunas.nn.tokens import TokenReader as TokenReader
from optunas.nn.zero import Padding as Padding
from optunas.nn.zero import Zeros as Zeros

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
