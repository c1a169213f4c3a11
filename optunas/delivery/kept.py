"""Whether what was promised is kept: the limits, by the network and by the files delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import fields, replace

from optuna import Study

from optunas.delivery.export import Exported
from optunas.errors import OptunasError
from optunas.fingerprint import fingerprint_of
from optunas.limits import Limits
from optunas.objective import Candidate


def agreed_limits(study: Study, own: Limits) -> Limits:
    """The limits that are given again; else those that the study was made with.

    On another machine, or by another command, nobody types them a second time.
    """
    stored = fingerprint_of(study).get("limits")
    known = {name for name, _ in own}
    for name in (field.name for field in fields(Limits)):
        if isinstance(stored, dict) and name in stored and name not in known:
            with suppress(OptunasError):  # what stands in a database may be anything
                own = replace(own, **{name: stored[name]})
    return own


def broken_limits(
    limits: Limits, candidate: Candidate, files: Iterable[Exported], device: str
) -> Iterator[str]:
    """A line for each limit that the delivered network is over.

    Latency is that of a file on the device of the search; the search measured the network itself,
    perhaps on another machine.
    """
    costs = {"params": candidate.params, "macs": candidate.macs}
    for name, margin in limits.margins(**costs).items():
        if margin > 0:
            limit = getattr(limits, name)
            yield f"the winner has {costs[name]:,} {name}, over the limit of {limit:,}"
    if limits.latency_ms is None:
        return
    for file in files:
        taken = file.latency_ms(1, device)
        if taken is not None and taken > limits.latency_ms:
            yield (
                f"{file.file} takes {taken:.3g} ms for one image on this machine, over the limit "
                f"of {limits.latency_ms:g} ms: the search measured the network where it ran"
            )
