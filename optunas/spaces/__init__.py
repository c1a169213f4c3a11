"""Search spaces: how a trial chooses an architecture. One file a space."""

from .backbone import Backbone as Backbone
from .compose import Either as Either
from .convnet import ConvNet as ConvNet
from .darts import DARTS as DARTS
from .darts import Genotype as Genotype
from .draw import Draw as Draw
from .draw import draw as draw
from .hybrid import ConvAttention as ConvAttention
from .mobilenet import MobileNet as MobileNet
from .modelspec import ModelSpec as ModelSpec
from .nasbench101 import NASBench101 as NASBench101
from .nasbench201 import NASBench201 as NASBench201
from .natssize import NATSSize as NATSSize
from .neighbours import mutate as mutate
from .neighbours import neighbours as neighbours
from .primitives import branches as branches
from .primitives import cell as cell
from .primitives import choice as choice
from .primitives import optional as optional
from .primitives import repeat as repeat
from .recurrent import RecurrentNet as RecurrentNet
from .regnet import RegNet as RegNet
from .resnet import ResNet as ResNet
from .scope import Scope as Scope
from .space import Space as Space
from .vit import VisionTransformer as VisionTransformer

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
    "Space",
    "VisionTransformer",
    "branches",
    "cell",
    "choice",
    "draw",
    "mutate",
    "neighbours",
    "optional",
    "repeat",
]
