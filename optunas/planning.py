"""Hours planned: the pace of this device measured, a promise made, and kept by all of a study."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna import Study
from optuna.trial import FixedTrial

from optunas.errors import OptunasError, StudyError
from optunas.facts import fact, settle
from optunas.machine import threads_for
from optunas.nn.passes import with_threads
from optunas.numeric import is_number
from optunas.promise import Promise, affordable_macs, promise, sees_next_to_nothing
from optunas.spaces import ConvNet
from optunas.training.recipe import Recipe

if TYPE_CHECKING:
    from optunas.objective import Objective
    from optunas.objective.prospect import Prospect
    from optunas.search import Search
    from optunas.training.pace import Pace

ATTRIBUTE = "promise"
NETWORKS = 8  # whose pace is measured
SHARE, MOST = 0.05, 90.0  # of the time, and seconds, that measuring may take
LOOKED_AT, ENOUGH = 60, 0.05  # random networks, and the share that must be within the limits
COARSEST, SIDE = 4, 8  # the largest stride of a stem, and the pixels of a side that it must leave
HUGE = 10**13  # MACs: larger than any network


def measured_paces(
    objective: Objective, seconds: float, tell: Callable[[str], None] = lambda line: None
) -> tuple[list[Pace], list[int]]:
    """The pace of random networks within the limits, measured for about `seconds` in all, and their
    multiply-accumulates.

    Networks that fail (out of memory, say) are passed over, as the search will. Raises
    `StudyError` where all of them fail.
    """
    import torch

    from optunas.objective.failure import free_memory, reason
    from optunas.training.pace import pace

    prospect, device = objective.prospect, torch.device(objective.device)
    draws = prospect.random_params(np.random.default_rng([objective.seed, 5]))
    paces: list[Pace] = []
    macs: list[int] = []
    why = "the space has none"
    end = time.monotonic() + seconds
    for number, params in zip(range(NETWORKS), draws, strict=False):
        candidate = prospect.propose(FixedTrial(params, number))
        try:
            network = candidate.build(number, device)
            paces.append(
                pace(
                    network,
                    objective.data,
                    candidate.recipe,
                    device=device,
                    engine=objective.engine,
                    seconds=seconds / NETWORKS / 2,  # as much goes into the start and validation
                )
            )
            macs.append(candidate.macs)
        except Exception as error:
            why = reason(error, objective.device)
            free_memory(objective.device)
        tell(f"measured {number + 1} of {NETWORKS} networks")
        if time.monotonic() > end and paces:
            break
    if not paces:
        raise StudyError(f"hours can't be planned, since no network could be trained: {why}")
    return paces, macs


def promise_for(
    search: Search,
    seconds: float,
    *,
    devices: Sequence[str | None] = (None,),
    winner: bool = False,
    decided: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Promise | None:
    """The promise of a search with `seconds` to go: the study's own, or a new one, measured now.

    devices: of each worker. The pace is that of the search's own; other GPUs are taken to be alike.
    None where there is nothing to plan: a search without hours or with any callable, and a study
    that has trials already, which keeps its recipe. `search.storage` is open.
    """
    if search.own is None:
        return None
    study = search.existing()
    if study is not None and (promised(study) or study.get_trials(deepcopy=False)):
        return promised(study)
    if search.plan.hours is None:
        return None
    objective, on_cpu = search.own, search.own.device == "cpu"
    end = time.monotonic() + seconds
    # On a CPU a worker has its share of the cores; so has what is measured for it.
    shares = len(devices) > 1 and on_cpu
    recipe = objective.recipe if isinstance(objective.recipe, Recipe) else objective.recipe.base
    images = len(objective.data.train)
    # What workers gain on a GPU is not known before they share it: at least this.
    workers = len(devices) if on_cpu else len(set(devices) - {"cpu"})

    def promised_by(paces: Sequence[Pace]) -> Promise:
        return promise(
            paces,
            recipe,
            images,
            end - time.monotonic(),
            workers=workers,
            pruned=search.is_pruned,
            winner=winner,
            decided=decided,
        )

    share = min(MOST, SHARE * seconds)
    with with_threads(threads_for(len(devices))) if shares else nullcontext():
        paces, macs = measured_paces(objective, share, tell)
        made = promised_by(paces)
        left = end - time.monotonic()
        if not sees_next_to_nothing(made, left, workers):
            return made
        most = affordable_macs(
            made, paces, macs, images, left, workers=workers, pruned=search.is_pruned
        )
        narrowed = _narrowed(search, objective, most)
        if narrowed is None:
            return made
        paces, _ = measured_paces(narrowed, share, tell)
        made = promised_by(paces)
    stride = None
    if isinstance(narrowed.space, ConvNet) and narrowed.space != objective.space:
        stride = narrowed.space.stem_stride
    return replace(made, macs=narrowed.limits.macs, stem_stride=stride)


def _narrowed(search: Search, objective: Objective, most: int) -> Objective | None:
    """The objective with this limit on multiply-accumulates, or the next that enough of the space
    meets; None where that is no narrower."""
    limit = HUGE if objective.limits.macs is None else objective.limits.macs
    while most < limit:
        limits = replace(objective.limits, macs=most)
        for space in _spaces(search, objective):
            if _has_enough(replace(objective.prospect, space=space, limits=limits)):
                return replace(objective, space=space, limits=limits)
        most *= 2
    return None


def _spaces(search: Search, objective: Objective) -> Iterator[Any]:
    """The space; and where it is ours to choose, those that make images smaller at once."""
    space = objective.space
    yield space
    if search.chooses_space and isinstance(space, ConvNet):
        side, stride = min(objective.data.input_shape[1:]), 2 * space.stem_stride
        while stride <= COARSEST and side // stride >= SIDE:
            yield replace(space, stem_stride=stride)
            stride *= 2


def _has_enough(prospect: Prospect) -> bool:
    """Whether random networks are often enough within the limits to be found."""
    rng, within = np.random.default_rng(0), 0
    for _ in range(LOOKED_AT):
        with suppress(OptunasError):  # some draws don't fit the images
            within += prospect.draw(rng).margin <= 0
    return within >= ENOUGH * LOOKED_AT


def kept(search: Search, made: Promise | None) -> Search:
    """The search by the recipe that its study was promised.

    Its fingerprint stays that of the recipe as it was typed: what hours make of it is nobody's
    choice, and told to all by the promise.
    """
    if made is None or search.own is None:
        return search
    return replace(
        search, objective=keeping(search.own, made), fingerprint=search.agreed_fingerprint
    )


def keeping(objective: Objective, made: Promise) -> Objective:
    """The objective with the promised epochs, images, stem and limit on computation."""
    changes: dict[str, Any] = {"epochs": made.epochs, "train_fraction": made.train_fraction}
    limits, recipe, space = objective.limits, objective.recipe, objective.space
    if made.stem_stride is not None and isinstance(space, ConvNet):
        objective = replace(objective, space=replace(space, stem_stride=made.stem_stride))
    if made.macs is not None and (limits.macs is None or made.macs < limits.macs):
        limits = replace(limits, macs=made.macs)
    if isinstance(recipe, Recipe):
        return replace(objective, recipe=replace(recipe, **changes), limits=limits)
    base = replace(recipe.base, **changes)
    return replace(objective, recipe=replace(recipe, base=base), limits=limits)


def check_decided(objective: Objective, made: Promise) -> None:
    """Raise `StudyError` where the objective's recipe was typed, and is not the promised one."""
    recipe = objective.recipe if isinstance(objective.recipe, Recipe) else objective.recipe.base
    typed, bound = asdict(recipe), asdict(made)
    wrong = [
        f"{name} {bound[name]:.4g} in the study, {typed[name]:.4g} here"
        for name in ("epochs", "train_fraction")
        if typed[name] != bound[name]
    ]
    if wrong:
        raise StudyError(
            f"a study keeps what its hours were planned for: {', '.join(wrong)}; leave out "
            "--epochs and --train-fraction, or take another study name (--study)"
        )


def promised(study: Study) -> Promise | None:
    """What the study was promised, where it was."""
    return _read(fact(study, ATTRIBUTE))


def write_down(study: Study, made: Promise) -> Promise:
    """The promise that holds for all that join or resume the study: this, or an earlier one."""
    found = settle(study, ATTRIBUTE, asdict(made), lambda stored: _read(stored) is not None)
    return _read(found) or made


def _read(stored: Any) -> Promise | None:
    """A stored promise; None for one of another version, and for whatever else may stand there."""
    try:
        found = Promise(**stored) if isinstance(stored, dict) else None
    except TypeError:
        return None
    if found is None or not all(v is None or is_number(v) for v in asdict(found).values()):
        return None
    strides = (None, *(2**power for power in range(COARSEST.bit_length())))
    return (
        found if found.stem_stride in strides and (found.macs is None or found.macs > 0) else None
    )
