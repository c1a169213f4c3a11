"""What blocks can be told beyond their usual form."""

import pytest

from optunas.architecture import (
    Activation,
    BasicBlock,
    Bottleneck,
    Conv,
    ConvNeXt,
    ConvNorm,
    DropPath,
    FusedMBConv,
    MBConv,
    Norm,
    Residual,
    Sequential,
    SqueezeExcite,
    cost,
    from_json,
    key,
    to_json,
)
from optunas.errors import OptunasError

SHAPE = (8, 6, 6)


def same(one, other):
    return key(one, SHAPE) == key(other, SHAPE)


@pytest.mark.parametrize(
    ("block", "usual"),
    [
        (ConvNorm(8, norm=Norm("batch")), ConvNorm(8)),
        (BasicBlock(8, norm=Norm("group")), BasicBlock(8, norm="group")),
        (Residual(Conv(4), norm=Norm()), Residual(Conv(4))),
        (MBConv(8, expansion=4.0), MBConv(8)),
        (
            MBConv(8, squeeze=False, attention=SqueezeExcite(3)),
            MBConv(8, attention=SqueezeExcite(3)),
        ),
        (FusedMBConv(8, expansion=4.0), FusedMBConv(8)),
    ],
)
def test_two_spellings_are_one_value(block, usual):
    assert block == usual
    assert to_json(block) == to_json(usual)


@pytest.mark.parametrize(
    ("block", "spelled"),
    [
        (
            ConvNorm(4, 2, 2, padding=0, bias=True, norm=Norm(eps=1e-3)),
            Sequential(Conv(4, 2, 2, 0, bias=True), Norm(eps=1e-3), Activation()),
        ),
        (
            Bottleneck(16, reduction=2, groups=4, attention=SqueezeExcite(3)),
            Sequential(
                Residual(
                    Sequential(
                        ConvNorm(8, 1),
                        ConvNorm(8, 3, groups=4),
                        SqueezeExcite(3),
                        ConvNorm(16, 1, activation=None),
                    )
                ),
                Activation(),
            ),
        ),
        (MBConv(8, attention=SqueezeExcite(2, "silu")), MBConv(8)),
        (
            MBConv(8, expansion=2.5, squeeze=False, drop_path=0.1),
            Residual(
                Sequential(
                    ConvNorm(20, 1, activation="silu"),
                    ConvNorm(20, 3, groups=0, activation="silu"),
                    ConvNorm(8, 1, activation=None),
                    DropPath(0.1),
                )
            ),
        ),
        (MBConv(9, drop_path=0.1), MBConv(9)),
        (
            FusedMBConv(8, drop_path=0.1),
            Residual(
                Sequential(
                    ConvNorm(32, activation="silu"),
                    ConvNorm(8, 1, activation=None),
                    DropPath(0.1),
                )
            ),
        ),
        (FusedMBConv(16, 5, 2, 1), ConvNorm(16, 5, 2, activation="silu")),
        (ConvNeXt(drop_path=0.0), ConvNeXt()),
    ],
)
def test_blocks_are_what_they_stand_for(block, spelled):
    assert same(block, spelled)


@pytest.mark.parametrize(
    ("block", "other"),
    [
        (ConvNorm(8, norm=Norm(eps=1e-3)), ConvNorm(8)),
        (BasicBlock(16, norm=Norm("group", 4)), BasicBlock(16, norm="group")),
        (Residual(Conv(4), norm=Norm(eps=1e-3)), Residual(Conv(4))),
        (MBConv(8, attention=SqueezeExcite(3)), MBConv(8)),
        (MBConv(8, drop_path=0.1), MBConv(8)),
        (ConvNeXt(drop_path=0.1), ConvNeXt()),
    ],
)
def test_what_is_told_makes_another_network(block, other):
    assert not same(block, other)
    assert from_json(to_json(block)) == block


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MBConv(8, expansion=-1), "MBConv.expansion must be above 0; got -1"),
        (lambda: MBConv(8, expansion=float("inf")), "MBConv.expansion must be a finite number"),
        (lambda: MBConv(8, attention="se"), "MBConv.attention must be a layer, or None; got 'se'"),
        (lambda: Bottleneck(8, attention=SqueezeExcite), "Bottleneck.attention must be a layer"),
        (lambda: FusedMBConv(8, expansion=0), "FusedMBConv.expansion must be above 0; got 0"),
        (
            lambda: Residual(Conv(3), norm="none"),
            "Residual.norm must be one of batch, group",
        ),
        (lambda: cost(Bottleneck(8, groups=3), SHAPE), "3 groups must divide the channels"),
        (lambda: cost(ConvNorm(8, norm=Conv(3)), SHAPE), "Norm.kind must be one of"),
        (lambda: cost(MBConv(8, drop_path=1), SHAPE), "DropPath.p must be at least 0 and below 1"),
    ],
)
def test_wrong_values_are_named(make, message):
    with pytest.raises(OptunasError) as error:
        make()
    assert message in str(error.value)
