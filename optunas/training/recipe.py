"""A recipe says how a network is trained: optimizer, schedule, epochs, augmentation, precision.

It is plain data without torch: it can be stored with a trial, compared and drawn from a
`RecipeSpace`. Nothing in it depends on the network, so that one recipe serves a whole search.
"""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from optunas.training.errors import RecipeError

OPTIMIZERS = ("adamw", "sgd")
SCHEDULES = ("onecycle", "cosine", "constant")
PRECISIONS = ("auto", "fp32", "bf16")
T = TypeVar("T")

_LATER = ("ema",)  # fields that stored recipes of earlier versions don't have; 0 is as it was then

# (lr, weight decay) of each optimizer for batches of 128. Chosen for the short trainings of a
# search (64 to 300 steps) over BatchNorm CNNs, depthwise separable ones, ConvNeXt and a small
# transformer: on digits, 15 epochs, AdamW at 0.002 / 0.006 / 0.012 reached 88 / 95 / 97 % (CNN),
# 76 / 96 / 98 % (separable), 71 / 86 / 94 % (transformer); SGD at 0.1 96, 97, but 55 % for the
# last. On 5,000 CIFAR-10 images, 6 epochs, AdamW at 0.001 / 0.004 / 0.008: 50 / 54 / 55 % (CNN),
# 35 / 43 / 44 % (ConvNeXt); SGD at 0.1 54 and 31 %. Longer runs want less: hence not the highest.
_OWN = {"adamw": (6e-3, 0.05), "sgd": (0.1, 5e-4)}


@dataclass(frozen=True)
class Recipe:
    """How to train a network.

    ``lr`` is the peak of the schedule, ``weight_decay`` spares biases and normalisation. Leave
    both out and the optimizer's own are filled in, so that ``Recipe(optimizer="sgd")`` is sensible
    as it stands; to change the optimizer of an existing recipe, reset them too:
    ``replace(recipe, optimizer="sgd", lr=None, weight_decay=None)``.

    Raises `RecipeError` for a value that can't be trained with.
    """

    epochs: int = 20
    batch_size: int = 128
    """images a step; a training split smaller than that makes one batch"""
    optimizer: str = "adamw"
    """"adamw" (Loshchilov & Hutter 2019) or "sgd" (with Nesterov momentum)"""
    lr: float = None  # type: ignore[assignment]  # filled in by __post_init__
    momentum: float = 0.9
    """of SGD; AdamW's first beta"""
    weight_decay: float = None  # type: ignore[assignment]  # filled in by __post_init__
    schedule: str = "onecycle"
    """"onecycle": linear warm-up, then a cosine to zero; "cosine": no warm-up; "constant\""""
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    """the largest norm of the whole gradient; None: no clipping"""
    augment: float = 0.0
    """strength in 0..1 of shifts, erasing and (where the data allow it) flips; 0: none"""
    colour: float = 0.0
    """strength in 0..1 of changes of brightness, contrast, saturation, hue; usual: 0.5; 0: none"""
    rand_augment: float = 0.0
    """RandAugment (Cubuk et al. 2019): two random operations an image, at this share, 0..1, of
    their full magnitude; usual: 0.3; 0: none"""
    mixup: float = 0.0
    """images are blended in pairs by Beta(mixup, mixup); usual: 0.2 to 1; 0: none"""
    cutmix: float = 0.0
    """a box, of an area by Beta(cutmix, cutmix), comes from another image; usual: 1; 0: none"""
    train_fraction: float = 1.0
    """the share of the training split, stratified by class, the same images for every network"""
    resolution: int | None = None
    """the shorter side in pixels to which images are brought before training: a cheaper fidelity;
    None: as they are"""
    precision: str = "auto"
    """"auto": bf16 on a GPU that has it, else fp32"""
    ema: float = 0.0
    """decay of an exponential moving average of the weights, which then is the trained network
    (`optunas.training.average`); usual: 0.999; 0: none. For a schedule that doesn't end at zero"""

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            object.__setattr__(self, name, check(name, getattr(self, name)))
        own_lr, own_decay = _OWN[self.optimizer]
        lr = own_lr if self.lr is None else self.lr
        decay = own_decay if self.weight_decay is None else self.weight_decay
        object.__setattr__(self, "lr", _above_zero("lr", lr))
        object.__setattr__(self, "weight_decay", _not_negative("weight_decay", decay))

    def to_json(self) -> dict[str, Any]:
        """Every field, as plain JSON values; those of `_LATER` only where they are not as before.

        A study compares recipes in this form (its fingerprint, reused results, checkpoints): one
        that was stored before a field came must go on being equal to what it was.
        """
        return {name: v for name, v in asdict(self).items() if name not in _LATER or v != 0}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Recipe":
        """The inverse of `to_json`; fields that are missing take their defaults."""
        if not isinstance(values, Mapping):
            raise RecipeError(f"a recipe's JSON is an object of fields; got {values!r}")
        known = [field.name for field in fields(cls)]
        unknown = sorted(str(name) for name in values if name not in known)
        if unknown:
            raise RecipeError(
                f"a recipe has the fields {', '.join(known)}; got {', '.join(unknown)} as well"
            )
        return cls(**values)

    def describe(self) -> str:
        """One line for a terminal, without what is switched off."""
        parts = [
            f"{self.epochs} epochs of batches of {self.batch_size}",
            f"{self.optimizer} lr {self.lr:.3g} decay {self.weight_decay:.3g} {self.schedule}",
            f"label smoothing {self.label_smoothing:.3g}" if self.label_smoothing else "",
            f"gradients clipped at {self.clip_norm:.3g}" if self.clip_norm else "",
            f"augmentation {self.augment:.3g}" if self.augment else "",
            f"colour {self.colour:.3g}" if self.colour else "",
            f"RandAugment {self.rand_augment:.3g}" if self.rand_augment else "",
            f"mixup {self.mixup:.3g}" if self.mixup else "",
            f"cutmix {self.cutmix:.3g}" if self.cutmix else "",
            f"{self.train_fraction:.3g} of the training images" if self.train_fraction < 1 else "",
            f"{self.resolution} pixels" if self.resolution is not None else "",
            f"weights averaged with decay {self.ema:.6g}" if self.ema else "",
        ]
        return ", ".join(part for part in parts if part)


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < 1:
        raise RecipeError(f"{name} is a whole number of at least 1; got {value!r}")
    return operator.index(value)


def _number(low: float, high: float, law: str, ends: str) -> Callable[[str, Any], float]:
    """A check for a number between two ends; `ends` says, as "[)", which ends belong to it."""

    def check(name: str, value: Any) -> float:
        number = not isinstance(value, bool | str | bytes) and hasattr(value, "__float__")
        as_float = float(value) if number else math.nan
        above = as_float >= low if ends[0] == "[" else as_float > low
        below = as_float <= high if ends[1] == "]" else as_float < high
        if not (above and below):  # NaN fails both
            raise RecipeError(f"{name} is {law}; got {value!r}")
        return as_float

    return check


def _one_of(choices: tuple[str, ...]) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise RecipeError(f"{name} is one of {', '.join(choices)}; got {value!r}")
        return value

    return check


def _optional(check: Callable[[str, Any], T]) -> Callable[[str, Any], T | None]:
    return lambda name, value: None if value is None else check(name, value)


_above_zero = _number(0, math.inf, "a finite number above 0", "()")
_share = _number(0, 1, "a number from 0 to 1", "[]")
_not_negative = _number(0, math.inf, "a finite number of at least 0", "[)")

# Each check returns the value as the plain Python number or string that goes into JSON.
_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "epochs": _whole,
    "batch_size": _whole,
    "optimizer": _one_of(OPTIMIZERS),
    "momentum": _number(0, 1, "a number from 0 up to, but not, 1", "[)"),
    "schedule": _one_of(SCHEDULES),
    "label_smoothing": _number(0, 1, "a number from 0 up to, but not, 1", "[)"),
    "clip_norm": _optional(_number(0, math.inf, "a finite number above 0, or None", "()")),
    "augment": _share,
    "colour": _share,
    "rand_augment": _share,
    "mixup": _not_negative,
    "cutmix": _not_negative,
    "train_fraction": _number(0, 1, "a number above 0, up to 1", "(]"),
    "resolution": _optional(_whole),
    "precision": _one_of(PRECISIONS),
    "ema": _number(0, 1, "a number from 0 up to, but not, 1", "[)"),
}
