"""Every search space of ours keeps the contract that users' own spaces can keep as well."""

from pathlib import Path

import torch

from optunas.spaces import (
    DARTS,
    ConvAttention,
    ConvNet,
    Either,
    MobileNet,
    NASBench101,
    NASBench201,
    NATSSize,
    RecurrentNet,
    RegNet,
    ResNet,
    VisionTransformer,
)
from optunas.testing import SpaceContract

torch.set_num_threads(1)
PROMISES = Path(__file__).with_name("promises")


class Contract(SpaceContract):
    """Fewer draws, for the time of all together; the contract's own number is 500."""

    draws = 100
    runs = 10


class TestConvNet(Contract):
    space = ConvNet()
    promises = PROMISES / "convnet.json"


class TestMobileNet(Contract):
    space = MobileNet()
    promises = PROMISES / "mobilenet.json"
    input_shape = (3, 48, 40)
    draws, runs, pairs = 30, 4, 2


class TestSmallMobileNet(Contract):
    space = MobileNet.small_images()
    promises = PROMISES / "mobilenet-small.json"
    input_shape = (1, 28, 28)
    draws = 30


class TestResNet(Contract):
    space = ResNet()
    promises = PROMISES / "resnet.json"
    draws = 50


class TestRegNet(Contract):
    space = RegNet()
    promises = PROMISES / "regnet.json"
    draws = 50


class TestNASBench201(Contract):
    space = NASBench201(repeats=1)  # the skeleton's size is not suggested
    promises = PROMISES / "nasbench201.json"


class TestNASBench101(Contract):
    space = NASBench101(repeats=1, channels=32)
    promises = PROMISES / "nasbench101.json"


class TestDARTS(Contract):
    space = DARTS(layers=3, channels=8)
    promises = PROMISES / "darts.json"
    draws, runs, pairs = 50, 4, 4


class TestNATSSize(Contract):
    space = NATSSize()
    promises = PROMISES / "natssize.json"
    draws, runs = 30, 4


class TestEither(Contract):
    space = Either({"convnet": ConvNet(stages=(1, 2)), "resnet": ResNet(depths=(1, 2))})
    flat = False
    draws = 40


class TestEitherFlat(Contract):
    space = Either({"convnet": ConvNet(stages=(1,)), "resnet": ResNet(stages=(1,))}, flat=True)
    draws = 40


class TestVisionTransformer(Contract):
    space = VisionTransformer()
    promises = PROMISES / "vision-transformer.json"
    draws, runs, pairs = 40, 5, 4


class TestConvAttention(Contract):
    space = ConvAttention()
    promises = PROMISES / "conv-attention.json"
    input_shape = (3, 32, 24)
    draws, runs, pairs = 40, 5, 4


class TestRecurrentNet(Contract):
    space = RecurrentNet()
    promises = PROMISES / "recurrent-net.json"
    input_shape = (1, 8, 8)
    runs = 10
