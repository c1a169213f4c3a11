"""A screen: of several networks the one that a zero-cost proxy ranks best, while that is useful."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from optunas.errors import StudyError
from optunas.numeric import is_whole
from optunas.proxies import check_proxies, correlation
from optunas.samplers.scene import Scene
from optunas.spaces.sight import View

_log = logging.getLogger("optunas")

JUDGED = 20  # networks, from which on it is known whether a proxy is useful
USEFUL = 0.2  # rank correlation, above which it is


@dataclass(frozen=True)
class Screen:
    """Chooses among `draws` networks by `proxy`. Raises StudyError for settings that are none."""

    proxy: str
    draws: int
    _said: set[str] = field(default_factory=set, repr=False, compare=False)

    def __post_init__(self) -> None:
        (proxy,) = check_proxies([self.proxy])
        object.__setattr__(self, "proxy", proxy)
        if not is_whole(self.draws, 2):
            raise StudyError(f"a screen chooses among 2 draws or more; got draws={self.draws!r}")

    def is_useful(self, scene: Scene) -> bool:
        """Whether the proxy ranks the networks of this study: until `JUDGED` of them were trained,
        and as long as the correlation is above `USEFUL`."""
        known = correlation(scene.trials, scene.study.directions[0], self.proxy)
        if known.networks < JUDGED or known.rho > USEFUL:
            return True
        self._say_once(
            "off",
            f"the screen by {self.proxy} is off while it tells too little: over {known.networks} "
            f"networks of this study its rank correlation is {known.rho:.2f}, not above {USEFUL}",
        )
        return False

    def best(self, views: Sequence[View]) -> View:
        """The network that the proxy ranks best; the first one where it knows none of them."""
        scores = [view.proxy(self.proxy) for view in views]
        known = [(score, -i) for i, score in enumerate(scores) if score is not None]
        if not known:
            self._say_once(
                "blind",
                f"the screen by {self.proxy} can tell nothing about these networks; it needs to "
                "build them and images to look at: give the sampler objective.prospect",
            )
            return views[0]
        return views[-max(known)[1]]

    def _say_once(self, what: str, line: str) -> None:
        if what not in self._said:
            self._said.add(what)
            _log.warning(line)
