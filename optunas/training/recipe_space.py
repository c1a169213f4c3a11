"""A space of recipes: a trial chooses the hyperparameters together with the architecture."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from optunas.training.errors import RecipeError
from optunas.training.recipe import Recipe

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

Choices = tuple[Any, ...] | Any | None
Interval = tuple[float, float] | float | None

# The fields that are numbers of the recipe itself, in the order in which they are suggested.
_NUMBERS = ("label_smoothing", "augment", "colour", "rand_augment", "mixup", "cutmix")


@dataclass(frozen=True)
class RecipeSpace:
    """Recipes near `base`: every open field is suggested in every trial, as "recipe.<field>".

    A field is open, fixed or left alone:

    - ``optimizer``, ``batch_size``: a tuple of choices is open, one value is fixed;
    - the others: a pair ``(low, high)`` is an open range, one number is fixed;
    - ``None``: as `base` has it, like all that is not a field here (epochs, schedule, ...).

    **Why factors and not the learning rate itself.** AdamW wants an lr near 0.006, SGD near 0.1,
    and both want more for larger batches. One absolute range over all of that makes most draws
    useless and ties three decisions together, which samplers that look at one parameter at a time
    (TPE) can't untie. A range for each optimizer ("sgd.lr", "adamw.lr") leaves a dimension idle in
    every trial, noise to a Gaussian process and to CMA-ES. ``lr_factor`` means the same in every
    trial, namely "times what this optimizer wants at this batch size", drawn on a log scale; 1 is
    always a good guess. What it multiplies is the lr of `base` (for the other optimizer: its own
    default), scaled from the batch size of `base` linearly for SGD (Goyal et al. 2017,
    arXiv:1706.02677) and by the square root for AdamW (Malladi et al. 2022, arXiv:2205.10287).
    ``weight_decay_factor`` multiplies the weight decay likewise, without the batch size. The
    recipe that `suggest` returns holds the absolute values.

    Raises `RecipeError` where a field holds what no recipe can take.
    """

    base: Recipe = field(default_factory=Recipe)
    optimizer: Choices = ("adamw", "sgd")
    lr_factor: Interval = (0.1, 5.0)
    weight_decay_factor: Interval = (0.1, 10.0)
    batch_size: Choices = (64, 128, 256)
    label_smoothing: Interval = (0.0, 0.2)
    augment: Interval = (0.0, 1.0)
    colour: Interval = None
    rand_augment: Interval = None
    mixup: Interval = None
    cutmix: Interval = None

    def __post_init__(self) -> None:
        if not isinstance(self.base, Recipe):
            raise RecipeError(f"base is a Recipe; got {self.base!r}")
        for name, value in list(vars(self).items()):
            if isinstance(value, list):  # from JSON, or typed so
                object.__setattr__(self, name, tuple(value))
        for name in ("optimizer", "batch_size"):
            object.__setattr__(self, name, _checked_choices(name, getattr(self, name), self.base))
        for name in _NUMBERS:
            _check_interval(name, getattr(self, name), lambda n, v: replace(self.base, **{n: v}))
        for name in ("lr_factor", "weight_decay_factor"):
            _check_interval(name, getattr(self, name), _check_factor)
        if self.base.weight_decay == 0 and isinstance(self.weight_decay_factor, tuple):
            raise RecipeError(
                "weight_decay_factor multiplies the base's weight_decay, and that is 0; "
                "give base=Recipe(weight_decay=...) or weight_decay_factor=None"
            )

    def suggest(self, trial: "BaseTrial") -> Recipe:
        """Draw a recipe; the same parameters are suggested in every trial."""
        optimizer = _choose(trial, "optimizer", self.optimizer, self.base.optimizer)
        batch_size = _choose(trial, "batch_size", self.batch_size, self.base.batch_size)
        lr_factor = _draw(trial, "lr_factor", self.lr_factor, 1.0, log=True)
        decay_factor = _draw(trial, "weight_decay_factor", self.weight_decay_factor, 1.0, log=True)
        start = self._with_optimizer(optimizer)
        numbers: dict[str, Any] = {
            name: _draw(trial, name, getattr(self, name), getattr(start, name)) for name in _NUMBERS
        }
        return replace(
            start,
            batch_size=batch_size,
            lr=start.lr * lr_factor * _batch_factor(optimizer, batch_size / start.batch_size),
            weight_decay=start.weight_decay * decay_factor,
            **numbers,
        )

    def baseline(self) -> dict[str, Any]:
        """The parameters with which `suggest` gives `base`, or what comes closest to it."""
        wanted = {**vars(self.base), "lr_factor": 1.0, "weight_decay_factor": 1.0}
        params: dict[str, Any] = {}
        for name, value in vars(self).items():
            if name in ("optimizer", "batch_size") and isinstance(value, tuple):
                params[f"recipe.{name}"] = wanted[name] if wanted[name] in value else value[0]
            elif isinstance(value, tuple):
                params[f"recipe.{name}"] = min(max(wanted[name], value[0]), value[1])
        return params

    def to_json(self) -> dict[str, Any]:
        """Every field, as plain JSON values (tuples as lists)."""
        values = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}
        return values | {"base": self.base.to_json()}

    def _with_optimizer(self, optimizer: str) -> Recipe:
        if optimizer == self.base.optimizer:
            return self.base
        # The base's lr was meant for the base's batch size; so must be the other optimizer's.
        own = Recipe(optimizer=optimizer)
        factor = _batch_factor(optimizer, self.base.batch_size / own.batch_size)
        return replace(
            self.base, optimizer=optimizer, lr=own.lr * factor, weight_decay=own.weight_decay
        )


def _batch_factor(optimizer: str, ratio: float) -> float:
    return ratio if optimizer == "sgd" else float(ratio**0.5)


def _choose(trial: "BaseTrial", name: str, choices: Choices, base: Any) -> Any:
    if choices is None:
        return base
    if not isinstance(choices, tuple):
        return choices
    return choices[0] if len(choices) == 1 else trial.suggest_categorical(f"recipe.{name}", choices)


def _draw(
    trial: "BaseTrial", name: str, interval: Interval, base: float, *, log: bool = False
) -> float:
    if interval is None:
        return base
    if not isinstance(interval, tuple):
        return interval
    return trial.suggest_float(f"recipe.{name}", *interval, log=log)


def _checked_choices(name: str, choices: Choices, base: Recipe) -> Choices:
    """The choices as a recipe would hold them, plain strings and numbers."""
    if choices is None:
        return None
    if not isinstance(choices, tuple):
        return getattr(replace(base, **{name: choices}), name)
    plain = tuple(getattr(replace(base, **{name: choice}), name) for choice in choices)
    if not plain or len(set(plain)) < len(plain):
        raise RecipeError(f"{name} needs one or more different choices; got {choices!r}")
    return plain


def _check_interval(name: str, interval: Interval, check: Callable[[str, Any], object]) -> None:
    if interval is None:
        return
    pair = isinstance(interval, tuple)
    if pair and len(interval) != 2:  # type: ignore[arg-type]
        raise RecipeError(f"{name} is a number or a pair (low, high); got {interval!r}")
    ends = interval if isinstance(interval, tuple) else (interval,)
    for end in ends:
        check(name, end)
    if pair and not ends[0] < ends[-1]:
        raise RecipeError(f"{name} runs from low to high, low below high; got {interval!r}")


def _check_factor(name: str, value: Any) -> None:
    try:
        Recipe(lr=value)
    except RecipeError:
        raise RecipeError(f"{name} is a finite number above 0; got {value!r}") from None
