"""Search spaces: how a trial chooses an architecture. One file a space."""

from optunas.spaces.backbone import Backbone as Backbone
from optunas.spaces.compose import Either as Either
from optunas.spaces.convnet import ConvNet as ConvNet
from optunas.spaces.darts import DARTS as DARTS
from optunas.spaces.darts import Genotype as Genotype
from optunas.spaces.draw import Draw as Draw
from optunas.spaces.draw import draw as draw
from optunas.spaces.hybrid import ConvAttention as ConvAttention
from optunas.spaces.mobilenet import MobileNet as MobileNet
from optunas.spaces.modelspec import ModelSpec as ModelSpec
from optunas.spaces.nasbench101 import NASBench101 as NASBench101
from optunas.spaces.nasbench201 import NASBench201 as NASBench201
from optunas.spaces.natssize import NATSSize as NATSSize
from optunas.spaces.neighbours import mutate as mutate
from optunas.spaces.neighbours import neighbours as neighbours
from optunas.spaces.primitives import branches as branches
from optunas.spaces.primitives import cell as cell
from optunas.spaces.primitives import choice as choice
from optunas.spaces.primitives import optional as optional
from optunas.spaces.primitives import repeat as repeat
from optunas.spaces.recurrent import RecurrentNet as RecurrentNet
from optunas.spaces.regnet import RegNet as RegNet
from optunas.spaces.resnet import ResNet as ResNet
from optunas.spaces.scope import Scope as Scope
from optunas.spaces.sight import Sight as Sight
from optunas.spaces.sight import View as View
from optunas.spaces.sight import sight_of as sight_of
from optunas.spaces.space import Space as Space
from optunas.spaces.vit import VisionTransformer as VisionTransformer

__all__ = [
    "DARTS",
    "Backbone",
    "ConvAttention",
    "ConvNet",
    "Draw",
    "Either",
    "Genotype",
    "MobileNet",
    "ModelSpec",
    "NASBench101",
    "NASBench201",
    "NATSSize",
    "RecurrentNet",
    "RegNet",
    "ResNet",
    "Scope",
    "Sight",
    "Space",
    "View",
    "VisionTransformer",
    "branches",
    "cell",
    "choice",
    "draw",
    "mutate",
    "neighbours",
    "optional",
    "repeat",
    "sight_of",
]
