"""Parameters and multiply-accumulates, counted on the network itself: ours or a person's own."""

from __future__ import annotations

from torch import nn

from optunas.nn.passes import evaluating, inputs


def count(network: nn.Module, input_shape: tuple[int, ...]) -> tuple[int, int]:
    """(parameters, MACs for one input) of any network, the meta device included.

    Frozen parameters count: they are stored, loaded and computed with wherever the network goes,
    and that is what a limit is about.
    MACs are half of what `FlopCounterMode` counts: convolutions, matrix products and attention.
    """
    from torch.utils.flop_counter import FlopCounterMode  # imports triton; described ones need none

    with evaluating(network), FlopCounterMode(display=False) as counter:
        network(inputs(network, 1, input_shape))
    # counted afterwards: a lazy module has no parameters before its first call
    params = sum(p.numel() for p in network.parameters())
    return params, counter.get_total_flops() // 2
