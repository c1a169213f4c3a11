"""A search: everything `optunas run` needs, gathered from a target, its settings and the options.

The target is a study file, a folder of images, or the name of a data set. What the command line
says wins over the file, the file over the defaults.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import optuna
from optuna.trial import FrozenTrial, Trial

from optunas import studyfile
from optunas._named import parse_named
from optunas.errors import OptunasError, StudyError
from optunas.limits import Limits
from optunas.report.publisher import Publisher
from optunas.spaces import ConvNet
from optunas.spaces.described import named
from optunas.study import create_study, existing
from optunas.training.recipe import Recipe
from optunas.training.recipe_space import RecipeSpace
from optunas.worker import SLACK, OutOfTime, Plan, Watch, enqueue_comparisons, work

if TYPE_CHECKING:
    from optunas.objective import Objective
    from optunas.training import Epoch

RUNS = Path("optunas-runs")
TRIALS = 40
DRAWS = 10
OFF = ("0", "no", "off", "false")
UP = "the time is up; the trial that was running goes on when the search does"
RECIPE_OPTIONS = ("epochs", "batch_size", "train_fraction", "precision")
DATA_OPTIONS = ("size", "flip", "root", "keep")
ENGINE_OPTIONS = ("images", "steps", "deterministic")
LIMIT_OPTIONS = tuple(field.name for field in fields(Limits))
OBJECTIVE_OPTIONS = (
    *LIMIT_OPTIONS,
    *RECIPE_OPTIONS,
    *ENGINE_OPTIONS,
    *("metrics", "device", "devices", "reuse", "proxies", "suggest_recipe", "artifacts"),
)
OPTION_NAMES = {
    "params": "max-params",
    "macs": "max-macs",
    "latency_ms": "max-latency",
    "memory_mb": "max-memory",
    "inference_memory_mb": "max-inference-memory",
    "metrics": "metric",
    "reuse": "no-reuse",
    "pages": "no-pages",
    "root": "data-root",
    "proxies": "proxy",
    "retries": "max-retries",
}
"""How an option is typed, where that is not its name with hyphens."""
UNITS = {"latency_ms": "ms", "memory_mb": "M", "inference_memory_mb": "M"}
"""What is typed behind the number."""


@dataclass(frozen=True)
class Search:
    """What is searched, by which strategy, for how long, and where it is stored."""

    objective: Callable[[Any], Any]
    name: str
    plan: Plan = Plan(trials=TRIALS)
    storage: Any = None
    sampler: Any = "architecture"
    pruner: Any = "median"
    seed: int = 0
    random_draws: int | None = None
    directions: tuple[str, ...] = ("maximize",)
    fingerprint: Mapping[str, Any] | None = None
    """what the workers agree on, where that is not the objective's own"""
    anyway: bool = False
    """join a study also where its fingerprint is another one"""
    chooses_space: bool = False
    """the space is the default for these data, and nobody's choice"""
    given: Mapping[str, Any] = field(default_factory=dict)
    """the options that it was made of, those that the study knew included"""
    recalled: Mapping[str, Any] = field(default_factory=dict)
    """those of them that the study knew"""
    pages: bool = True
    """keep the study's page in optuna-dashboard; a trial's own is the objective's affair"""

    def __post_init__(self) -> None:
        if self.random_draws is not None and self.random_draws < 0:
            raise StudyError(f"random draws are a number from 0 on; got {self.random_draws}")

    @property
    def own(self) -> Objective | None:
        """The objective, where it is one of ours and not just any callable."""
        from optunas.objective import Objective

        return self.objective if isinstance(self.objective, Objective) else None

    @property
    def _is_random(self) -> bool:
        """A random search is its own baseline."""
        if isinstance(self.sampler, str):
            return parse_named("sampler", self.sampler)[0] == "random"
        return isinstance(self.sampler, optuna.samplers.RandomSampler)

    @property
    def draws(self) -> int:
        """How many trials at the start are random: ten, or a quarter of a shorter search."""
        if self._is_random:
            return 0
        if self.random_draws is not None:
            return self.random_draws
        return DRAWS if self.plan.trials is None else min(DRAWS, self.plan.trials // 4)

    @property
    def agreed_fingerprint(self) -> Mapping[str, Any]:
        """What all workers of the study must agree on; of a plain callable only its name."""
        if self.fingerprint is not None:
            return self.fingerprint
        own = self.own
        return own.fingerprint if own else {"objective": named(self.objective)}

    def existing(self) -> optuna.Study | None:
        """The study where there is one already, as it is stored."""
        return existing(self.name, self.storage)

    def study(self, on_change: Callable[[str], None]) -> optuna.Study:
        """The study, created or joined."""
        own = self.own
        return create_study(
            self.name,
            storage=self.storage,
            sampler=self.sampler,
            pruner=self.pruner,
            directions=own.directions if own else self.directions,
            metric_names=own.metrics if own else None,
            seed=self.seed,
            epochs=own.epochs if own else 20,
            on_change=on_change,
            space=own.prospect if own else None,
            fingerprint=self.agreed_fingerprint,
            anyway=self.anyway,
        )

    @property
    def is_pruned(self) -> bool:
        """Whether weak networks are stopped early."""
        return self.pruner is not None and self.pruner != "none"

    def watched(self, on_epoch: Callable[[int, Epoch], None]) -> Search:
        """The same search, with someone more told of every epoch."""
        own = self.own
        if own is None:
            return self
        listeners = [on_epoch, *([own.on_epoch] if own.on_epoch is not None else [])]

        def tell(trial: int, epoch: Epoch) -> None:
            for listener in listeners:
                listener(trial, epoch)

        return replace(self, objective=replace(own, on_epoch=tell))

    def run(self, study: optuna.Study, watch: Watch) -> None:
        """Queue the baselines of a new study, then work until the plan is fulfilled."""
        self.queue(study)
        with self._page(study, watch) as watching:
            try:
                work(study, self._timed().objective, self.plan, watching, self.storage)
            except OutOfTime:
                watch.note(UP)

    @contextmanager
    def _page(self, study: optuna.Study, watch: Watch) -> Iterator[Watch]:
        """The watch, and who keeps the study's page beside it, for as long as the search runs."""
        if not self.pages:
            yield watch
            return
        publisher, is_over = Publisher(), False
        try:
            yield _Told(watch, publisher)
            is_over = True
        finally:
            publisher.close(study, last=is_over)

    def _timed(self) -> Search:
        """The same search, which ends its running trial when its hours are well over."""
        if self.plan.hours is None:
            return self
        end = time.monotonic() + (1 + SLACK) * 3600 * self.plan.hours

        def check(trial: int, epoch: Epoch) -> None:
            if epoch.number < epoch.of and time.monotonic() > end:
                raise OutOfTime

        return self.watched(check)

    def queue(self, study: optuna.Study) -> None:
        """Queue what a new study's search is compared with."""
        if self.own is not None:
            prospect = self.own.prospect
            draws = prospect.random_params(np.random.default_rng(self.seed))
            enqueue_comparisons(study, prospect.baseline_params(), draws, self.draws)


@dataclass(frozen=True)
class _Told:
    """A watch, and an Optuna callback that is told of each trial's end as well."""

    watch: Watch
    callback: Callable[[optuna.Study, FrozenTrial], None]

    def began(self, trial: Trial) -> None:
        self.watch.began(trial)

    def ended(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self.watch.ended(study, trial)
        self.callback(study, trial)

    def note(self, line: str) -> None:
        self.watch.note(line)


Recall = Callable[[str, Any, Mapping[str, Any]], Mapping[str, Any]]
"""What a study (its name, its storage) knows of the options that these leave open."""


def search_for(target: str, options: Mapping[str, Any], recall: Recall | None = None) -> Search:
    """The search that a target and options (those that are not None) describe.

    recall: where the search may be of a study that has been begun: asked for the options that are
    left open. Raises `OptunasError` for anything that can't be searched, before a study exists.
    """
    typed = {name: value for name, value in options.items() if value is not None}
    objective, settings = _loaded(target, typed)
    said = {"storage": None, **settings, **typed}
    known = {} if recall is None else recall(said["name"], said["storage"], typed)
    try:
        return _made(target, objective, settings, {**known, **typed}, known)
    except OptunasError as error:
        if not known:
            raise
        raise type(error)(f"{error}; the study's own options are {in_words(known)}") from None


def in_words(options: Mapping[str, Any]) -> str:
    """Options as they are typed."""
    words: list[str] = []
    for name, value in options.items():
        option = f"--{OPTION_NAMES.get(name, name.replace('_', '-'))}"
        if isinstance(value, bool):
            words.append(option)
        else:
            values = value if isinstance(value, list | tuple) else [value]
            words += [f"{option} {_word(one)}{UNITS.get(name, '')}" for one in values]
    return " ".join(words)


def _word(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else shlex.quote(str(value))


def _loaded(
    target: str, typed: Mapping[str, Any]
) -> tuple[Callable[[Any], Any] | None, dict[str, Any]]:
    """What stands in a study file; of data, which are loaded later, only what they are called."""
    if not target.endswith(".py"):
        return None, {"name": _name_of(target), "chooses_space": True}
    _refuse(typed, DATA_OPTIONS, "the study file loads its own data")
    return studyfile.load(Path(target))


def _made(
    target: str,
    objective: Callable[[Any], Any] | None,
    settings: dict[str, Any],
    given: dict[str, Any],
    recalled: Mapping[str, Any],
) -> Search:
    if objective is None:
        objective = _from_data(target, given)
        given |= _kept(target, objective)
    settings |= {name: given[name] for name in studyfile.SETTINGS if name in given}
    plan = _plan(settings, given)
    known = {field.name for field in fields(Search)}
    settings = {name: value for name, value in settings.items() if name in known}
    pages = given.get("pages", True) and os.environ.get("OPTUNAS_PAGES", "").lower() not in OFF
    search = Search(
        objective,
        plan=plan,
        anyway=bool(given.get("anyway")),
        pages=pages,
        given=given,
        recalled=recalled,
        **settings,
    )
    seeds = [source["seed"] for source in (given, settings) if "seed" in source]
    return _tuned(search, given, *seeds[:1])


def _plan(settings: Mapping[str, Any], given: Mapping[str, Any]) -> Plan:
    """Trials and hours; on the command line one of them replaces what the file says of both."""
    source = given if {"trials", "hours"} & set(given) else settings
    trials, hours = source.get("trials"), source.get("hours")
    patience = {name: given[name] for name in ("retries", "grace_s") if name in given}
    return Plan(TRIALS if trials is None and hours is None else trials, hours, **patience)


def _from_data(target: str, given: Mapping[str, Any]) -> Objective:
    from optunas import data
    from optunas.objective import Objective

    chosen = {name: given[name] for name in DATA_OPTIONS if name in given}
    images = data.load(target, **chosen)
    side = min(images.input_shape[1:])
    # a large image is halved twice at once, a small one keeps every pixel
    space = ConvNet(stem_stride=1 if side < 64 else 2 if side < 128 else 4)
    return Objective(space, images)


def _kept(target: str, objective: Objective) -> dict[str, str]:
    """Where a folder's images are kept, which a machine with another memory would decide anew."""
    from optunas.data import ImageFiles, is_folder

    if isinstance(objective.data.train.images, ImageFiles):
        return {"keep": "files"}
    return {"keep": "memory"} if is_folder(target) else {}


def _name_of(target: str) -> str:
    return Path(target).expanduser().resolve().name or "search"


def _tuned(search: Search, given: Mapping[str, Any], seed: int | None = None) -> Search:
    """Put the options for the objective into it; without a seed its own counts."""
    own = search.own
    if own is None:
        _refuse(given, OBJECTIVE_OPTIONS, "the study file's objective is a plain callable")
        return search
    limits = {name: given[name] for name in LIMIT_OPTIONS if name in given}
    recipe = {name: given[name] for name in RECIPE_OPTIONS if name in given}
    changes = {
        name: given[name] for name in ("metrics", "device", "reuse", "proxies") if name in given
    }
    if "devices" in given:
        changes["device"] = _first(given)
    if limits:
        changes["limits"] = replace(own.limits, **limits)
    if recipe or given.get("suggest_recipe"):
        changes["recipe"] = _changed(own.recipe, recipe, bool(given.get("suggest_recipe")))
    engine = {name: given[name] for name in ENGINE_OPTIONS if name in given}
    if engine:
        changes["engine"] = replace(own.engine, **engine)
    if own.checkpoints is None:
        changes["checkpoints"] = RUNS / _folder(search.name) / "checkpoints"
    if "artifacts" in given or own.artifacts is None:
        changes["artifacts"] = given.get("artifacts") or os.environ.get("OPTUNAS_ARTIFACTS") or None
    if not search.pages:
        changes["pages"] = False
    seed = own.seed if seed is None else seed
    return replace(search, seed=seed, objective=replace(own, seed=seed, **changes))


def _folder(name: str) -> str:
    """A name of one folder, whatever the study is called."""
    quoted = quote(name, safe=" ")
    return quoted.replace(".", "%2E") if set(quoted) <= {"."} else quoted


def _first(given: Mapping[str, Any]) -> str:
    """The device that stands for all: what is measured before the workers start, is on this one."""
    if "device" in given:
        raise StudyError("--device names one, --devices all of them: give one of the two")
    return str(given["devices"][0])


def _changed(
    recipe: Recipe | RecipeSpace, changes: Mapping[str, Any], suggest: bool
) -> Recipe | RecipeSpace:
    """The recipe with some fields set, and made a space of recipes where it shall be suggested."""
    if suggest and isinstance(recipe, Recipe):
        recipe = RecipeSpace(recipe)
    if isinstance(recipe, Recipe):
        return replace(recipe, **changes)
    fixed = {"batch_size": None} if "batch_size" in changes else {}  # typed means decided
    return replace(recipe, base=replace(recipe.base, **changes), **fixed)


def _refuse(given: Mapping[str, Any], names: tuple[str, ...], why: str) -> None:
    for name in names:
        if name in given:
            option = OPTION_NAMES.get(name, name.replace("_", "-"))
            raise StudyError(f"--{option} has no meaning here, {why}: leave it out")
