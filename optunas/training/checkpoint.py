"""What a killed training goes on from: one file, written whole or not at all.

The file is a line that names the format, the SHA-256 of the rest, and the rest as `torch.save`
writes it. The digest finds every truncation and every flipped bit before anything is parsed;
`weights_only=True` keeps a file of unknown origin from running code, and nothing of it is taken
that does not fit the network: a digest can be made by anybody who can write to where a checkpoint
lies. An epoch's random numbers follow from (seed, epoch), see `seeds`; only of one that is not over
yet the file says where the generators stood.
"""

import hashlib
import io
import json
import logging
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from optunas.atomic import drafts, replacing
from optunas.training.recipe import Recipe
from optunas.training.results import Epoch

if TYPE_CHECKING:
    from optunas.data import Data

MAGIC = b"optunas checkpoint 2\n"
_log = logging.getLogger(__name__)


def identity(network: nn.Module, data: "Data", recipe: Recipe, seed: int) -> str:
    """A string that differs wherever a run would: another network, data, recipe or seed.

    Initial weights are not part of it: they have been trained away by the first epoch.
    """
    shapes = {name: list(getattr(t, "shape", ())) for name, t in network.state_dict().items()}
    layers = re.sub(r"0x[0-9a-fA-F]+", "", repr(network))  # addresses differ between processes
    run = [layers, shapes, data.fingerprint, recipe.to_json(), seed]
    return hashlib.sha256(json.dumps(run).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Begun:
    """Where an epoch stands that is not over, beside the network and the optimizer."""

    steps: int
    """that are done"""
    loss: Tensor
    """float (), the sum over these steps"""
    seconds: float
    """that they took"""
    random: Mapping[str, Tensor]
    """`seeds.random_states`"""


START = Begun(0, torch.zeros(()), 0.0, {})


class Saved(NamedTuple):
    """How far a run has come."""

    history: Sequence[Epoch]
    """the finished epochs"""
    begun: Begun = START
    """the epoch after them"""


NOTHING = Saved([])


def save(
    path: Path,
    network: nn.Module,
    optimizer: Optimizer,
    saved: Saved,
    run: str,
    averages: Sequence[Tensor] = (),
) -> None:
    """Replace the checkpoint at `path`; a file that can't be written is a warning, not an end.

    averages: of the weights that the network is trained with, and holds (`Average.tensors`).
    """
    buffer = io.BytesIO()
    state = {
        "run": run,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": [asdict(epoch) for epoch in saved.history],
        "begun": None if saved.begun is START else vars(saved.begun),
        "averages": list(averages),
    }
    torch.save(state, buffer)
    content = buffer.getbuffer()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(MAGIC + hashlib.sha256(content).digest())
            file.write(content)
    except OSError as error:
        _log.warning("the checkpoint %s can't be written (%s); training goes on", path, error)


def restore(
    path: Path,
    network: nn.Module,
    optimizer: Optimizer,
    run: str,
    epochs: int,
    averages: Sequence[Tensor] = (),
) -> Saved:
    """Bring network, optimizer and averages to where they were saved, and say how far that is.

    epochs: of the whole run. A file that is absent, damaged or of another run leaves all as they
    were.
    """
    try:
        return _apply(_read(path, network, run, epochs), network, optimizer, averages)
    except FileNotFoundError:
        return NOTHING
    except Exception as error:  # a damaged file can raise anything; none of it may end a search
        _log.warning(
            "the checkpoint %s is ignored (%s); training starts from zero", path, _why(error)
        )
        return NOTHING


def progress(path: Path, network: nn.Module, run: str, epochs: int) -> tuple[int, int]:
    """How many epochs are done in a file, and steps of the next one; none where it is not of this
    run and network."""
    try:
        saved: Saved = _read(path, network, run, epochs)["saved"]
    except FileNotFoundError:
        return 0, 0
    except Exception as error:
        _log.warning("the checkpoint %s is ignored (%s)", path, _why(error))
        return 0, 0
    return len(saved.history), saved.begun.steps


def remove(path: Path) -> None:
    """Delete a checkpoint that is no longer needed, and what a killed `save` may have left."""
    for file in (path, *drafts(path)):
        file.unlink(missing_ok=True)


def _why(error: Exception) -> str:
    return str(error).partition("\n")[0][:200] or type(error).__name__


def _read(path: Path, network: nn.Module, run: str, epochs: int) -> dict[str, Any]:
    """What is in a file, with a network and a history that are ones of this run."""
    content = path.read_bytes()
    head = len(MAGIC) + hashlib.sha256().digest_size
    digest, body = content[len(MAGIC) : head], content[head:]
    if not content.startswith(MAGIC) or hashlib.sha256(body).digest() != digest:
        raise ValueError("it is damaged, or no checkpoint of this version")
    with zipfile.ZipFile(io.BytesIO(body)) as parts:  # torch would unpack any size
        if sum(part.file_size for part in parts.infolist()) > len(body):
            raise ValueError("it is packed, and may be of any size")
    state: dict[str, Any] = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    if state["run"] != run:
        raise ValueError("it is of another network, data, recipe or seed")
    _check_network(state["network"], network)
    history = _history(state["history"], epochs)
    state["saved"] = Saved(history, _begun(state["begun"], is_over=len(history) == epochs))
    return state


def _check_network(found: Mapping[str, Any], network: nn.Module) -> None:
    own = network.state_dict()
    if {n: _form(v) for n, v in found.items()} != {n: _form(v) for n, v in own.items()}:
        raise ValueError("its weights are not those of this network")


def _form(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return tuple(value.shape), value.dtype, value.layout
    return type(value)


def _history(rows: Sequence[Mapping[str, Any]], epochs: int) -> list[Epoch]:
    """The epochs in the order of their numbers, each made of what an epoch is made of."""
    history = [Epoch(**row) for row in rows]
    for number, epoch in enumerate(history, start=1):
        kinds = {field.name: field.type for field in fields(Epoch)}
        fits = all(type(getattr(epoch, name)) is kind for name, kind in kinds.items())
        if not fits or epoch.number != number or epoch.of != epochs or number > epochs:
            raise ValueError("its epochs are not those of this training")
    return history


def _begun(found: Any, *, is_over: bool) -> Begun:
    """An epoch that was begun, made of what such a one is made of; None stands for the start."""
    if found is None:
        return START
    begun = Begun(**found)
    numbers = type(begun.steps) is int and type(begun.seconds) is float
    fits = (
        not is_over
        and numbers
        and begun.steps > 0
        and 0 <= begun.seconds < math.inf
        and _fits(begun.loss, ())
        and all(_fits(state, state.shape) for state in begun.random.values())
    )
    if not fits:
        raise ValueError("its last epoch is not one of this training")
    torch.Generator().set_state(begun.random["cpu"])  # raises for what is no state
    return begun


def _apply(
    state: dict[str, Any], network: nn.Module, optimizer: Optimizer, averages: Sequence[Tensor]
) -> Saved:
    _check_optimizer(state["optimizer"], optimizer)
    found = state.get("averages", [])  # files of earlier versions have none
    if [_form(value) for value in found] != [_form(value) for value in averages]:
        raise ValueError("its averages are not those of this training")
    before = deepcopy(network.state_dict()), deepcopy(optimizer.state_dict())
    try:
        network.load_state_dict(state["network"])
        _load_optimizer(optimizer, state["optimizer"])
        for own, value in zip(averages, found, strict=True):
            own.copy_(value)
        saved: Saved = state["saved"]
        return saved
    except Exception:
        network.load_state_dict(before[0])
        _load_optimizer(optimizer, before[1])
        raise


def _check_optimizer(found: Mapping[str, Any], optimizer: Optimizer) -> None:
    """What is noted of a parameter has its shape, or is one number; and nothing is missing."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    names = {"momentum_buffer"} if isinstance(optimizer, SGD) else {"step", "exp_avg", "exp_avg_sq"}
    for number, noted in found["state"].items():
        shapes = {name: () if name == "step" else parameters[number].shape for name in names}
        if noted.keys() != names or any(not _fits(noted[n], shapes[n]) for n in names):
            raise ValueError("its optimizer is not that of this training")


def _fits(value: object, shape: tuple[int, ...]) -> bool:
    if not isinstance(value, torch.Tensor):
        return False
    return value.layout is torch.strided and value.shape == shape


def _load_optimizer(optimizer: Optimizer, state: dict[str, Any]) -> None:
    """Restore what an optimizer notes of each parameter.

    Its settings follow from the recipe and stay as they are; also the learning rates, which are
    tensors on the device, where a loaded one would lie on the CPU.
    """
    own = optimizer.state_dict()["param_groups"]
    if [group["params"] for group in state["param_groups"]] != [group["params"] for group in own]:
        raise ValueError("its optimizer is not that of this training")
    rates = [group["lr"] for group in optimizer.param_groups]
    noted = {
        number: {name: value.clone() for name, value in values.items()}
        for number, values in state["state"].items()
    }  # a tensor from a file may be one number that claims to be many: a clone is what it says
    optimizer.load_state_dict({"state": noted, "param_groups": own})
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
