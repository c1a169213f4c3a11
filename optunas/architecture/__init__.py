"""What a network is: a frozen tree of layer descriptions. Neither torch nor optuna is needed."""

from .adaptive import AdaptivePool as AdaptivePool
from .attention import Attention as Attention
from .attention import WindowAttention as WindowAttention
from .blocks import BasicBlock as BasicBlock
from .blocks import Bottleneck as Bottleneck
from .blocks import ConvNeXt as ConvNeXt
from .blocks import ConvNorm as ConvNorm
from .blocks import Inception as Inception
from .blocks import SeparableConv as SeparableConv
from .blocks import SqueezeExcite as SqueezeExcite
from .cells import FactorizedReduce as FactorizedReduce
from .cells import ReLUConvNorm as ReLUConvNorm
from .cells import ReLUSeparable as ReLUSeparable
from .channels import Shuffle as Shuffle
from .channels import Slice as Slice
from .compose import Parallel as Parallel
from .compose import Residual as Residual
from .compose import Sequential as Sequential
from .cost import Cost as Cost
from .cost import Row as Row
from .cost import cost as cost
from .cost import summary as summary
from .features import features as features
from .graph import Graph as Graph
from .graph import Node as Node
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
from .mobile import FusedMBConv as FusedMBConv
from .mobile import MBConv as MBConv
from .pad import Pad as Pad
from .pooling import GlobalPool as GlobalPool
from .pooling import Pool as Pool
from .recurrent import Recurrent as Recurrent
from .recurrent import SequenceConv as SequenceConv
from .resize import Resize as Resize
from .stored import from_json as from_json
from .stored import to_json as to_json
from .tokens import ClassToken as ClassToken
from .tokens import Position as Position
from .tokens import SpaceToDepth as SpaceToDepth
from .tokens import ToImage as ToImage
from .tokens import TokenPool as TokenPool
from .tokens import ToTokens as ToTokens
from .transformer import PatchEmbed as PatchEmbed
from .transformer import TransformerBlock as TransformerBlock
from .transformer import WindowBlock as WindowBlock
from .zero import Zero as Zero

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
