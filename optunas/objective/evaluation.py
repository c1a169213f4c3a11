"""One trial, from the proposal to the verdict.

proposed -> priced -> (rejected: over a limit) -> (reused: evaluated before) -> built ->
trained, an epoch at a time -> (pruned: hopeless) -> judged
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import TYPE_CHECKING, Any

import torch
from optuna import TrialPruned
from optuna.trial import FrozenTrial, Trial
from torch import nn

from optunas.architecture import to_json
from optunas.attributes import CURVE, Outcome, at_once, conclude, promoted_after, promotes
from optunas.metrics import LEARNED, MEASURED
from optunas.objective.candidate import Candidate
from optunas.objective.checkpoints import Checkpoint
from optunas.objective.closer import closer_look, is_among_best
from optunas.objective.device import device_name
from optunas.objective.measured import WRITTEN, measure
from optunas.objective.twin import find_twin, finished_before
from optunas.process import TakenOverError
from optunas.proxies import PREFIX
from optunas.pruners import report, should_prune
from optunas.training import Diverged, Epoch, NetworkError, Recipe
from optunas.training.checkpoint import identity
from optunas.training.loop import train
from optunas.training.results import Answers
from optunas.training.seeds import derived

if TYPE_CHECKING:
    from optunas.objective.objective import Objective

Values = float | tuple[float, ...]


class Evaluation:
    """What becomes of a trial by an objective; each step writes down what it finds."""

    def __init__(self, objective: Objective, trial: Trial) -> None:
        self._of, self._trial = objective, trial
        self.answers: Answers | None = None  # of one of the best networks
        self._goes_on = "seed" in trial.user_attrs  # the trial of a lost worker, or a stopped one

    def run(self) -> Values:
        """The trial's value, or values. Raises `TrialPruned` where it ends before."""
        with at_once(self._trial):
            candidate = self._propose()
            finished = finished_before(self._trial, candidate.key)
            seed = self._describe(candidate)
            self._reject({"params": candidate.params, "macs": candidate.macs})
        is_promoted = "promotes" in self._trial.user_attrs  # its twin is the one it goes on with
        looks = self._of.reuse and not is_promoted
        twin = finished or (find_twin(self._trial, self._measured) if looks else None)
        if twin is not None:
            return self._reuse(twin)
        network = candidate.build(seed, torch.device(self._of.device))
        for name, score in self._of.probe.scores(self._of.proxies, network).items():
            if not isnan(score):  # a proxy that can't say anything of this network
                self._trial.set_user_attr(f"{PREFIX}{name}", score)
        data, recipe = self._of.data, candidate.recipe
        self._reject(measure(self._trial, self._measured, network, data, recipe))
        return self._train(network, candidate, seed)

    def _propose(self) -> Candidate:
        try:
            return self._of.prospect.propose(self._trial)
        except TrialPruned as error:  # a person's own space may refuse its own draws
            conclude(self._trial, Outcome.REJECTED, f"the space refused it: {error}")
            raise

    def _describe(self, candidate: Candidate) -> int:
        """Write down what is about to be evaluated; gives the trial's seed."""
        known = self._trial.user_attrs
        seed = known.get("seed")
        if type(seed) is not int or not 0 <= seed < 2**32:  # one that is run again keeps its seed
            seed = derived(self._of.seed, self._trial.number) % 2**32
        facts: dict[str, Any] = {
            "key": candidate.key,
            "params": candidate.params,
            "macs": candidate.macs,
            "recipe": candidate.recipe.to_json(),
            "seed": seed,
            "data": self._of.data.fingerprint,
            "input_shape": list(self._of.data.input_shape),
            "classes": len(self._of.data.classes),
            "device": device_name(self._of.device),
        }
        if candidate.architecture is not None:
            facts["architecture"] = to_json(candidate.architecture)
        for name, value in facts.items():
            if known.get(name) != value:
                self._trial.set_user_attr(name, value)
        return seed

    def _reject(self, costs: dict[str, float]) -> None:
        """Set the limits as constraints; stop here where one is not met."""
        margins = self._of.limits.margins(**costs)
        inherited = self._trial.constraints if margins else {}  # written once, and kept by a retry
        for name, margin in margins.items():
            if name not in inherited:
                self._trial.set_constraint(name, margin)
                self._trial.set_user_attr(f"margin.{name}", margin)
        over = [name for name, margin in margins.items() if margin > 0]
        if over:
            limits = dict(self._of.limits)
            found = ", ".join(f"{n} {_plain(costs[n])} > {_plain(limits[n])}" for n in over)
            conclude(self._trial, Outcome.REJECTED, f"over its limits: {found}")
            raise TrialPruned(f"rejected, {found}")

    @property
    def _measured(self) -> list[str]:
        """What is asked for, as a limit or a metric, that only the built network can tell."""
        wanted = {name for name, _ in self._of.limits} | set(self._of.metrics)
        return [name for name in MEASURED if name in wanted]

    def _reuse(self, twin: FrozenTrial) -> Values:
        """Take the result of an equal network: its learning curve, its values, its end."""
        known = twin.user_attrs
        with at_once(self._trial):
            for name in ("accuracy", "f1", "train_seconds", "curve", *WRITTEN):
                if name in known:
                    self._trial.set_user_attr(name, known[name])
            self._reject({name: known[name] for name in self._measured})
            if twin.number != self._trial.number:
                self._trial.set_user_attr("reused_from", twin.number)
                conclude(self._trial, Outcome.REUSED, f"the same network as trial {twin.number}")
        # of several objectives, one report a network counts
        if self._is_learned and len(self._of.metrics) == 1:
            for epoch, row in enumerate(known.get("curve", []), start=1):
                self._trial.report(row[CURVE.index(self._of.metrics[0])], epoch)
        if known["outcome"] == Outcome.PRUNED:
            raise TrialPruned(f"pruned like trial {twin.number}, the same network")
        return self._values(known)

    def _train(self, network: nn.Module, candidate: Candidate, seed: int) -> Values:
        checkpoint = self._checkpoint(candidate, seed)
        if self._goes_on:
            run = identity(network, self._of.data, candidate.recipe, seed)
            checkpoint.fetch(network, candidate.recipe.epochs, run, promotes(self._trial))
        try:
            values = self._epochs(network, candidate.recipe, seed, checkpoint)
        except TrialPruned:
            checkpoint.park(self._trial.number)
            raise
        except _FINAL:
            checkpoint.forget()
            raise
        except TakenOverError:  # who goes on with it has shared a newer one, or will
            raise
        except KeyboardInterrupt:
            checkpoint.hand_over()
            raise
        if self._of.pages and is_among_best(self._trial, self._of.metrics):
            self.answers = closer_look(self._of, network, candidate.recipe)
        # From here on the result is in the storage: a worker that is killed before Optuna has
        # noted the value leaves a trial that is not trained again.
        conclude(self._trial, Outcome.TRAINED)
        checkpoint.forget()
        return values

    def _epochs(
        self, network: nn.Module, recipe: Recipe, seed: int, checkpoint: Checkpoint
    ) -> Values:
        curve: list[list[float]] = []
        said = ""
        for epoch in train(
            network,
            self._of.data,
            recipe,
            device=self._of.device,
            seed=seed,
            checkpoint=checkpoint.path,
            written=checkpoint.share,
            engine=self._of.engine,
        ):
            if said != epoch.engine:
                said = epoch.engine
                self._trial.set_user_attr("engine", said)
            curve.append([getattr(epoch, name) for name in CURVE])
            if self._of.on_epoch is not None:
                self._of.on_epoch(self._trial.number, epoch)
            scores = _scores(epoch, curve)
            if self._hopeless(epoch, scores):
                ended = f"pruned after epoch {epoch.number} of {epoch.of}"
                self._judge(scores, curve)
                conclude(self._trial, Outcome.PRUNED, ended)
                raise TrialPruned(ended)
        return self._judge(scores, curve)

    @property
    def _is_learned(self) -> bool:
        """Whether there is anything in an epoch that a pruner could judge."""
        return not set(LEARNED).isdisjoint(self._of.metrics)

    def _hopeless(self, epoch: Epoch, scores: Mapping[str, float]) -> bool:
        """Report the epoch and ask the pruner."""
        if not self._is_learned:
            return False
        report(self._trial, self._values({**self._trial.user_attrs, **scores}), epoch.number)
        past = promoted_after(self._trial)  # so far it was judged before, and may go on
        return past < epoch.number < epoch.of and should_prune(self._trial)

    def _judge(self, scores: Mapping[str, float], curve: list[list[float]]) -> Values:
        rounded = [[round(value, 5) for value in row] for row in curve]
        with at_once(self._trial):
            for name, value in {**scores, "curve": rounded}.items():
                self._trial.set_user_attr(name, value)
        return self._values(self._trial.user_attrs)

    def _values(self, known: Mapping[str, Any]) -> Values:
        values = tuple(float(known[name]) for name in self._of.metrics)
        return values if len(values) > 1 else values[0]

    def _checkpoint(self, candidate: Candidate, seed: int) -> Checkpoint:
        run = [candidate.recipe.to_json(), self._of.data.fingerprint]
        return self._of.shelf.checkpoint(candidate.key, seed, self._trial.study.study_name, run)


_FINAL = (Diverged, NetworkError, torch.OutOfMemoryError)
"""After these nobody goes on with the training."""


def _scores(epoch: Epoch, curve: list[list[float]]) -> dict[str, float]:
    """What is learned and spent by the end of an epoch, by the names of the metrics."""
    seconds = sum(row[CURVE.index("seconds")] for row in curve)
    return {"accuracy": epoch.accuracy, "f1": epoch.f1, "train_seconds": seconds}


def _plain(cost: float) -> str:
    """A count with all its digits, a measure with four."""
    return f"{cost:,}" if isinstance(cost, int) else f"{cost:,.4g}"
