"""Transformers that torchvision has, in our words: ViT and Swin."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from optunas.architecture import (
    ClassToken,
    Conv,
    GlobalPool,
    Layer,
    Linear,
    Norm,
    PatchEmbed,
    Position,
    Sequential,
    SpaceToDepth,
    TokenPool,
    TransformerBlock,
    WindowBlock,
)


def vit_b_16() -> Layer:
    """ViT-B/16 (Dosovitskiy et al. 2021): 12 blocks of 768 features on patches of 16x16 pixels.

    Made for 224x224; other sizes have as many positions as they have patches.
    """
    return Sequential(
        PatchEmbed(768, 16),
        ClassToken(),
        Position(),
        *(TransformerBlock(heads=12) for _ in range(12)),
        Norm("layer"),
        TokenPool("first"),
        Linear(),
    )


def swin_t() -> Layer:
    """Swin-T (Liu et al. 2021): windows of 7x7 pixels in four stages, 96 to 768 channels.

    With stochastic depth that grows to 0.2, as torchvision trains it.
    """
    norm = Norm("layer", eps=1e-5)
    number = count()
    layers: list[Layer] = [Conv(96, 4, 4, padding=0, bias=True), norm]
    for stage, depth in enumerate((2, 2, 6, 2)):
        if stage:
            layers += [SpaceToDepth(2), norm, Conv(96 * 2**stage, 1)]
        layers += _stage(depth, heads=3 * 2**stage, number=number)
    return Sequential(*layers, norm, GlobalPool(), Linear())


def _stage(depth: int, heads: int, number: Iterator[int]) -> list[Layer]:
    shifts = (0 if block % 2 == 0 else 3 for block in range(depth))
    return [WindowBlock(heads, 7, shift, drop_path=0.2 * next(number) / 11) for shift in shifts]
