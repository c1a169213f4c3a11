"""Networks of the field, described in our layers: baselines that are ready to train.

Each has the parameters, the MACs and, with the same weights, the outputs of torchvision's network
of that name (without auxiliary heads), and leaves the number of classes open.
"""

from collections.abc import Callable, Mapping

from optunas._named import unknown
from optunas.architecture import Architecture
from optunas.errors import OptunasError
from optunas.references.convnext import convnext_tiny
from optunas.references.dense import densenet121
from optunas.references.efficientnet import efficientnet_b0, efficientnet_v2_s
from optunas.references.inception import googlenet, inception_v3
from optunas.references.mobilenet import mnasnet1_0, mobilenet_v2, mobilenet_v3_large
from optunas.references.regnet import regnet_y_400mf
from optunas.references.resnet import resnet18, resnet50, resnext50_32x4d, wide_resnet50_2
from optunas.references.shufflenet import shufflenet_v2_x1_0
from optunas.references.squeezenet import squeezenet1_1
from optunas.references.transformers import swin_t, vit_b_16
from optunas.references.vgg import vgg11_bn

_NETWORKS: tuple[Callable[[], Architecture], ...] = (
    convnext_tiny,
    densenet121,
    efficientnet_b0,
    efficientnet_v2_s,
    googlenet,
    inception_v3,
    mnasnet1_0,
    mobilenet_v2,
    mobilenet_v3_large,
    regnet_y_400mf,
    resnet18,
    resnet50,
    resnext50_32x4d,
    shufflenet_v2_x1_0,
    squeezenet1_1,
    swin_t,
    vgg11_bn,
    vit_b_16,
    wide_resnet50_2,
)

REFERENCES: Mapping[str, Callable[[], Architecture]] = {make.__name__: make for make in _NETWORKS}
"""Every network by its name, made when called."""

__all__ = ["REFERENCES", "reference"]


def reference(name: str) -> Architecture:
    """The network that torchvision calls `name`: `reference("resnet18")`.

    It takes images of any number of channels and of any size that its windows fit into. Some need
    sides of a certain length: 15 pixels googlenet, 17 squeezenet1_1, 29 densenet121, 32
    convnext_tiny and vgg11_bn, 75 inception_v3; smaller images raise `ShapeError` where the network
    is priced or built. Raises `OptunasError` for an unknown name, with the closest known one.
    """
    if name not in REFERENCES:
        raise OptunasError(unknown("reference network", str(name), sorted(REFERENCES)))
    return REFERENCES[name]()
