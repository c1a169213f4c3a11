"""What a network is: a frozen tree of layer descriptions. Neither torch nor optuna is needed."""

from optunas.architecture.adaptive import AdaptivePool as AdaptivePool
from optunas.architecture.attention import Attention as Attention
from optunas.architecture.attention import WindowAttention as WindowAttention
from optunas.architecture.blocks import BasicBlock as BasicBlock
from optunas.architecture.blocks import Bottleneck as Bottleneck
from optunas.architecture.blocks import ConvNeXt as ConvNeXt
from optunas.architecture.blocks import ConvNorm as ConvNorm
from optunas.architecture.blocks import Inception as Inception
from optunas.architecture.blocks import SeparableConv as SeparableConv
from optunas.architecture.blocks import SqueezeExcite as SqueezeExcite
from optunas.architecture.cells import FactorizedReduce as FactorizedReduce
from optunas.architecture.cells import ReLUConvNorm as ReLUConvNorm
from optunas.architecture.cells import ReLUSeparable as ReLUSeparable
from optunas.architecture.channels import Shuffle as Shuffle
from optunas.architecture.channels import Slice as Slice
from optunas.architecture.compose import Parallel as Parallel
from optunas.architecture.compose import Residual as Residual
from optunas.architecture.compose import Sequential as Sequential
from optunas.architecture.cost import Cost as Cost
from optunas.architecture.cost import Row as Row
from optunas.architecture.cost import cost as cost
from optunas.architecture.cost import summary as summary
from optunas.architecture.features import features as features
from optunas.architecture.graph import Graph as Graph
from optunas.architecture.graph import Node as Node
from optunas.architecture.key import key as key
from optunas.architecture.layer import Block as Block
from optunas.architecture.layer import Layer as Layer
from optunas.architecture.layer import Primitive as Primitive
from optunas.architecture.layer import Shape as Shape
from optunas.architecture.layers import Activation as Activation
from optunas.architecture.layers import Conv as Conv
from optunas.architecture.layers import Dropout as Dropout
from optunas.architecture.layers import DropPath as DropPath
from optunas.architecture.layers import Flatten as Flatten
from optunas.architecture.layers import Identity as Identity
from optunas.architecture.layers import Linear as Linear
from optunas.architecture.layers import Norm as Norm
from optunas.architecture.layers import Scale as Scale
from optunas.architecture.mobile import FusedMBConv as FusedMBConv
from optunas.architecture.mobile import MBConv as MBConv
from optunas.architecture.pad import Pad as Pad
from optunas.architecture.pooling import GlobalPool as GlobalPool
from optunas.architecture.pooling import Pool as Pool
from optunas.architecture.recurrent import Recurrent as Recurrent
from optunas.architecture.recurrent import SequenceConv as SequenceConv
from optunas.architecture.resize import Resize as Resize
from optunas.architecture.stored import from_json as from_json
from optunas.architecture.stored import to_json as to_json
from optunas.architecture.tokens import ClassToken as ClassToken
from optunas.architecture.tokens import Position as Position
from optunas.architecture.tokens import SpaceToDepth as SpaceToDepth
from optunas.architecture.tokens import ToImage as ToImage
from optunas.architecture.tokens import TokenPool as TokenPool
from optunas.architecture.tokens import ToTokens as ToTokens
from optunas.architecture.transformer import PatchEmbed as PatchEmbed
from optunas.architecture.transformer import TransformerBlock as TransformerBlock
from optunas.architecture.transformer import WindowBlock as WindowBlock
from optunas.architecture.zero import Zero as Zero

Architecture = Layer
"""A network's description; any layer is one."""

__all__ = [
    "Activation",
    "AdaptivePool",
    "Architecture",
    "Attention",
    "BasicBlock",
    "Block",
    "Bottleneck",
    "ClassToken",
    "Conv",
    "ConvNeXt",
    "ConvNorm",
    "Cost",
    "DropPath",
    "Dropout",
    "FactorizedReduce",
    "Flatten",
    "FusedMBConv",
    "GlobalPool",
    "Graph",
    "Identity",
    "Inception",
    "Layer",
    "Linear",
    "MBConv",
    "Node",
    "Norm",
    "Pad",
    "Parallel",
    "PatchEmbed",
    "Pool",
    "Position",
    "Primitive",
    "ReLUConvNorm",
    "ReLUSeparable",
    "Recurrent",
    "Residual",
    "Resize",
    "Row",
    "Scale",
    "SeparableConv",
    "SequenceConv",
    "Sequential",
    "Shape",
    "Shuffle",
    "Slice",
    "SpaceToDepth",
    "SqueezeExcite",
    "ToImage",
    "ToTokens",
    "TokenPool",
    "TransformerBlock",
    "WindowAttention",
    "WindowBlock",
    "Zero",
    "cost",
    "features",
    "from_json",
    "key",
    "summary",
    "to_json",
]
