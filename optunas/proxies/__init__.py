"""Zero-cost proxies: what an untrained network tells about the trained one. Importing this doesn't
import torch.

    proxies.score(("swap", "synflow"), network, images, labels)
    proxies.correlations(study)

Each gives a number for any network, the greater the better: `swap`, `naswot`, `synflow`,
`grad_norm`, and as a yardstick `params` and `macs`. Whether a proxy is any good in the study at
hand is told by `correlations`; what they are worth on NAS-Bench-201 is measured in
tests/performance/proxies.md.
"""

from typing import TYPE_CHECKING, Any

from optunas.proxies.agreement import Correlation as Correlation
from optunas.proxies.agreement import correlation as correlation
from optunas.proxies.agreement import correlations as correlations
from optunas.proxies.names import PREFIX as PREFIX
from optunas.proxies.names import PROXIES as PROXIES
from optunas.proxies.names import check_proxies as check_proxies
from optunas.ranks import spearman as spearman

if TYPE_CHECKING:
    from optunas.proxies.probe import Probe as Probe
    from optunas.proxies.scoring import score as score

__all__ = [
    "PREFIX",
    "PROXIES",
    "Correlation",
    "Probe",
    "check_proxies",
    "correlation",
    "correlations",
    "score",
    "spearman",
]


def __getattr__(name: str) -> Any:
    """Fetch what needs torch when it is first asked for (PEP 562)."""
    if name == "Probe":
        from optunas.proxies.probe import Probe

        return Probe
    if name == "score":
        from optunas.proxies.scoring import score

        return score
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
