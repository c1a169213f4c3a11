"""What a trial's page in optuna-dashboard says in one screen: a note in GitHub Markdown. No torch.

optuna-dashboard keeps the notes of all trials in the attributes of their *study*, in pieces of
2,045 characters, and looks through all of them for each trial that it shows. So a note is one
piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from optuna.trial import FrozenTrial

from optunas.architecture import cost, from_json, summary
from optunas.attributes import Outcome, continues, number, outcome, promotes, text
from optunas.errors import OptunasError
from optunas.report.confusion import Matrix, f1_by_class
from optunas.report.curve import curve_rows
from optunas.report.markdown import code, table, trial_link
from optunas.wording import amount, percent, title

ROOM = 2045
CLASSES = 12
LAYER = 44  # characters of a layer
UNITS = {
    "params": "",
    "macs": "",
    "latency_ms": "ms",
    "memory_mb": "MiB",
    "inference_memory_mb": "MiB",
}
"""What a network costs, and the unit."""


def trial_note(
    trial: FrozenTrial,
    classes: Sequence[str] = (),
    confusion: Matrix | None = None,
    room: int = ROOM,
) -> str:
    """The note of a trial, which may be about to end, of at most `room` characters.

    confusion: on the validation split; the F1 of each class then follows from it.
    """
    parts = [_head(trial), *_links(trial), _facts(trial)]
    if confusion is not None and len(classes) == len(confusion):
        parts.append(_by_class(classes, confusion))
    said = "\n\n".join(part for part in parts if part)
    layers = list(_layers(trial))
    return _fitted(said[:room], layers, room)


def ended(trial: FrozenTrial) -> Outcome | None:
    """How a trial ended, or says that it is about to end."""
    stored = trial.user_attrs.get("outcome")
    return outcome(trial) or (Outcome(stored) if stored in list(Outcome) else None)


def _head(trial: FrozenTrial) -> str:
    end = ended(trial)
    words = [f"**{end.value.capitalize() if end else 'Running'}**"]
    accuracy, f1 = number(trial, "accuracy"), number(trial, "f1")
    if accuracy is not None:
        words.append(f"accuracy **{percent(accuracy)}**")
    if f1 is not None:
        words.append(f"F1 {percent(f1)}")
    line = ", ".join(words) + (" (validation)" if len(words) > 1 else "")
    reason = code(text(trial, "reason"))
    role = code(text(trial, "role"))
    return line + (f" {role}" if role else "") + (f"\n\n{reason}" if reason else "")


def _links(trial: FrozenTrial) -> Iterator[str]:
    """Where it comes from: the trials whose work went into this one."""
    for first in continues(trial)[-1:]:
        yield f"Goes on with {trial_link(first)}, which was interrupted."
    if (stopped := promotes(trial)) is not None:
        yield f"Promoted: goes on with {trial_link(stopped)}, which the pruner had stopped."
    twin = trial.user_attrs.get("reused_from")
    if type(twin) is int and twin >= 0:
        yield f"The same network as {trial_link(twin)}, whose result it took."


def _facts(trial: FrozenTrial) -> str:
    rows = [
        (title(name), f"{amount(value, unit)}{_margin(trial, name)}")
        for name, unit in UNITS.items()
        if (value := number(trial, name)) is not None
    ]
    seconds, epochs = number(trial, "train_seconds"), len(curve_rows(trial.user_attrs.get("curve")))
    if seconds is not None:
        rows.append(("training", f"{seconds:,.1f} s" + (f", {epochs} epochs" if epochs else "")))
    if (recipe := _recipe(trial.user_attrs.get("recipe"))) != "":
        rows.append(("recipe", recipe))
    if text(trial, "device"):
        rows.append(("device", code(text(trial, "device"), 60)))
    return table(("", ""), rows) if rows else ""


def _margin(trial: FrozenTrial, name: str) -> str:
    margin = number(trial, f"margin.{name}")
    if margin is None:
        return ""
    return f" ({abs(margin):.1%} {'over' if margin > 0 else 'below'} the limit)".replace("%", " %")


def _recipe(recipe: Any) -> str:
    if not isinstance(recipe, dict):
        return ""
    names = ("epochs", "optimizer", "lr", "weight_decay", "batch_size", "schedule", "precision")
    return code(", ".join(f"{n} {recipe[n]}" for n in names if recipe.get(n) is not None), 140)


def _by_class(classes: Sequence[str], confusion: Matrix) -> str:
    scores = [(f1, name) for f1, name in zip(f1_by_class(confusion), classes, strict=True)]
    known = sorted((f1, name) for f1, name in scores if f1 is not None)
    listed = ", ".join(f"{code(name, 24)} {percent(f1)}" for f1, name in known[:CLASSES])
    more = f", and {len(known) - CLASSES} more" if len(known) > CLASSES else ""
    return f"F1 by class, the worst first: {listed}{more}."


def _layers(trial: FrozenTrial) -> Iterator[tuple[str, str, str, str]]:
    """A row for each layer that a person wrote, and one for all of them."""
    known = trial.user_attrs
    try:
        network = from_json(known["architecture"])
        shape = tuple(int(size) for size in known["input_shape"])
        rows = list(summary(network, shape, known.get("classes")))
        whole = cost(network, shape, known.get("classes"))
    except (OptunasError, KeyError, TypeError, ValueError, RecursionError):
        return
    for row in rows:
        output = "×".join(map(str, row.output_shape))
        yield code(row.layer, LAYER), output, f"{row.params:,}", f"{row.macs:,}"
    yield "in all", "", f"{whole.params:,}", f"{whole.macs:,}"


def _fitted(text: str, layers: Sequence[tuple[str, str, str, str]], room: int) -> str:
    """The text, and as many layers below it as find room; those in the middle are left out."""
    heads = ("layer", "output", "params", "MACs")
    for left_out in range(len(layers)):
        keep = len(layers) - left_out
        first = layers[: (keep + 1) // 2]
        last = layers[len(layers) - keep // 2 :]
        gap = [(f"… {left_out} more", "", "", "")] if left_out else []
        whole = f"{text}\n\n{table(heads, [*first, *gap, *last], numbers=2)}"
        if len(whole) <= room:
            return whole
    return text
