"""`NATSSize`: the size search space of NATS-Bench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import BaseTrial

from optunas.architecture import Architecture, Layer
from optunas.errors import OptunasError
from optunas.spaces.arguments import WHOLE, Law, check
from optunas.spaces.nasbench201 import cell_graph, parsed, reduction, skeleton

TOPOLOGY = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
    "|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)
LAYERS = 5


@dataclass(frozen=True)
class NATSSize:
    """NATS-Bench's size space (Dong et al. 2021, arXiv:2009.00437): 32,768 networks.

    Cell, reduction, cell, reduction, cell: for each of the five layers its number of channels. The
    cell is the benchmark's, `topology` (a string as in `NASBench201`); where it changes the number
    of channels, its first edges do.

    * `channels`: the numbers to choose from; fewer narrow the space;
    * `topology`: not searched.

    Parameters: `layer1.channels`, ..., `layer5.channels`.
    """

    channels: tuple[int, ...] = (8, 16, 24, 32, 40, 48, 56, 64)
    topology: str = TOPOLOGY

    def __post_init__(self) -> None:
        check(self, _LAWS)
        parsed(self.topology)

    def suggest(self, trial: BaseTrial) -> Architecture:
        """Choose a network."""
        return self.architecture([trial.suggest_categorical(name, self.channels) for name in NAMES])

    def architecture(self, channels: Sequence[int]) -> Architecture:
        """The network with these channels in its five layers."""
        if len(channels) != LAYERS:
            raise OptunasError(
                f"a network of NATS-Bench has {LAYERS} layers; got channels {tuple(channels)!r:.80}"
            )
        cell = parsed(self.topology)
        layers: list[Layer] = []
        before = channels[0]
        for number, width in enumerate(channels):
            halves = number % 2 == 1
            layers.append(reduction(width) if halves else cell_graph(cell, width, before))
            before = width
        return skeleton(channels[0], *layers)

    def from_string(self, text: str) -> Architecture:
        """The network of the benchmark's `8:16:32:48:64`."""
        return self.architecture(list(self.params(text).values()))

    def params(self, text: str) -> dict[str, int]:
        """The parameters of a trial that chooses the benchmark's `8:16:32:48:64`."""
        words = text.split(":")
        if len(words) != LAYERS or not all(word.isdecimal() and int(word) for word in words):
            raise OptunasError(
                f"a network of NATS-Bench's size space is written 8:16:32:48:64; got {text!r:.80}"
            )
        return dict(zip(NAMES, map(int, words), strict=True))

    def to_string(self, params: Mapping[str, int]) -> str:
        """The benchmark's string for a trial's parameters."""
        return ":".join(str(params[name]) for name in NAMES)

    def size(self) -> int:
        """How many networks."""
        return int(len(self.channels) ** LAYERS)

    def baseline(self) -> dict[str, Any]:
        """Channels that double where the image is halved, as far as the space has them."""
        wanted = (16, 32, 32, 64, 64)
        return {name: _nearest(c, self.channels) for name, c in zip(NAMES, wanted, strict=True)}


def _nearest(wanted: int, choices: Sequence[int]) -> int:
    return min(choices, key=lambda choice: abs(choice - wanted))


NAMES = tuple(f"layer{number}.channels" for number in range(1, LAYERS + 1))
_LAWS: dict[str, Law] = {"channels": WHOLE}
