"""A study that does not begin at zero: results of earlier studies, and a person's guesses.

Both are written into the study, before or while it runs, and every worker's `ArchitectureSampler`
reads them there; other samplers profit from the enqueued networks only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from optunas.errors import StudyError
from optunas.samplers.model.prior import GUESSES, RESULTS
from optunas.samplers.model.targets import from_best, merits

MOST = 150
"""So many results of an earlier study are taken: the best third, the others evenly by rank."""
PART = 100  # results an attribute; MySQL holds 64 KB in one


def warm_start(study: Study, from_studies: Iterable[Study], *, winners: int = 1) -> int:
    """Let a study begin with what earlier ones learned; gives how many results were taken over.

    The earlier studies' objectives must mean the same, in the same order (accuracy on other data,
    say); their scale may differ, since only ranks within a study count. The space should be the
    same or overlap: networks that the new space can't make are left out. `winners` of each earlier
    study are enqueued, so that any sampler tries them first.

    How much the earlier studies are believed is learned from the new results. Calling it again for
    the same earlier study replaces its results and enqueues nothing twice. Raises StudyError where
    an earlier study has other directions, or none of its trials is completed.
    """
    taken = 0
    for earlier in from_studies:
        complete = _told(study, earlier)
        told = merits(complete, study.directions)
        order = from_best(told)
        chosen = sorted(set(_spread(order)))
        rows = [[complete[i].params, told[i].tolist()] for i in chosen]
        for part, some in enumerate(_parts(rows)):
            study.set_user_attr(f"{RESULTS}{earlier.study_name}.{part:03d}", some)
        for i in order[:winners]:
            study.enqueue_trial(
                complete[i].params,
                user_attrs={"role": f"winner of {earlier.study_name}"},
                skip_if_exists=True,
            )
        taken += len(rows)
    return taken


def guess(study: Study, params: Mapping[str, Any], *, confidence: float = 10.0) -> None:
    """Tell a study what you would try: it is tried first, and the search leans that way.

    `params` may name some parameters only; the others are chosen by the sampler. `confidence` is
    about how many results it takes until these outweigh the guess (a wrong one costs so much);
    with 0 it is tried, and no more.

    The promise of a network is multiplied by exp(-confidence / n x the share of the guess that it
    does otherwise) after n results (pi-BO, Hvarfner et al. 2022, arXiv:2204.11051).
    """
    if not params:
        raise StudyError("a guess names at least one parameter; got none")
    if not confidence >= 0:
        raise StudyError(f"the confidence in a guess is 0 or more; got {confidence}")
    number = sum(name.startswith(GUESSES) for name in study.user_attrs)
    if confidence > 0:
        study.set_user_attr(f"{GUESSES}{number}", [dict(params), confidence])
    study.enqueue_trial(dict(params), user_attrs={"role": "guess"}, skip_if_exists=True)


def _told(study: Study, earlier: Study) -> list[FrozenTrial]:
    if earlier.directions != study.directions:
        found, wanted = ([d.name.lower() for d in s.directions] for s in (earlier, study))
        raise StudyError(
            f"earlier studies must aim at the same: {study.study_name!r} is to {wanted}, "
            f"{earlier.study_name!r} was to {found}"
        )
    complete = earlier.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    told = [trial for trial in complete if trial.params]
    if not told:
        raise StudyError(
            f"an earlier study must hold completed trials; {earlier.study_name!r} has none"
        )
    return told


def _spread(order: Sequence[int]) -> Iterator[int]:
    if len(order) <= MOST:
        yield from order
        return
    best = MOST // 3
    yield from order[:best]
    places = np.linspace(best, len(order) - 1, MOST - best).round().astype(int)
    yield from (order[place] for place in places)


def _parts(rows: list[Any]) -> Iterator[list[Any]]:
    left = iter(rows)
    while part := list(islice(left, PART)):
        yield part
