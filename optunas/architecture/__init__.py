"""What a network is: a frozen tree of layer descriptions. Neither torch nor optuna is needed."""

from .blocks import BasicBlock as BasicBlock
from .blocks import Bottleneck as Bottleneck
from .blocks import ConvNeXt as ConvNeXt
from .blocks import ConvNorm as ConvNorm
from .blocks import Inception as Inception
from .blocks import MBConv as MBConv
from .blocks import SeparableConv as SeparableConv
from .blocks import SqueezeExcite as SqueezeExcite
from .compose import Parallel as Parallel
from .compose import Residual as Residual
from .compose import Sequential as Sequential
from .cost import Cost as Cost
from .cost import Row as Row
from .cost import cost as cost
from .cost import summary as summary
from .key import key as key
from .layer import Block as Block
from .layer import Layer as Layer
from .layer import Primitive as Primitive
from .layer import Shape as Shape
from .layers import Activation as Activation
from .layers import Conv as Conv
from .layers import Dropout as Dropout
from .layers import DropPath as DropPath
from .layers import Flatten as Flatten
from .layers import Identity as Identity
from .layers import Linear as Linear
from .layers import Norm as Norm
from .layers import Scale as Scale
from .pooling import GlobalPool as GlobalPool
from .pooling import Pool as Pool
from .stored import from_json as from_json
from .stored import to_json as to_json

Architecture = Layer
"""A network's description; any layer is one."""

__all__ = [
    "Activation",
    "Architecture",
    "BasicBlock",
    "Block",
    "Bottleneck",
    "Conv",
    "ConvNeXt",
    "ConvNorm",
    "Cost",
    "DropPath",
    "Dropout",
    "Flatten",
    "GlobalPool",
    "Identity",
    "Inception",
    "Layer",
    "Linear",
    "MBConv",
    "Norm",
    "Parallel",
    "Pool",
    "Primitive",
    "Residual",
    "Row",
    "Scale",
    "SeparableConv",
    "Sequential",
    "Shape",
    "SqueezeExcite",
    "cost",
    "from_json",
    "key",
    "summary",
    "to_json",
]
