"""Networks of torchvision and timm with the weights that they were trained to.

A model is named as there, `resnet18`; timm's with its name in front, `timm/resnet18`. Its weights
are the library's own (`"DEFAULT"`, or another name that torchvision knows, `"IMAGENET1K_V1"`), a
file with a state dict, or None: none, first weights at random.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch.hub import download_url_to_file, get_dir

from optunas.errors import OptunasError

OWN = "DEFAULT"
TIMM = "timm/"


@dataclass(frozen=True)
class Preprocessing:
    """How the images were made ready that the weights were trained on."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int
    """side of the square that the network saw, in pixels"""
    resized: int
    """the shorter side of the image before that square was cut from its centre"""
    mode: str
    """bilinear or bicubic"""


@dataclass(frozen=True)
class Body:
    """A network without its classifier. (B, 3, H, W) -> (B, features), flat or not."""

    network: nn.Module
    features: int
    preprocessing: Preprocessing


def body(model: str, weights: str | None = OWN) -> Body:
    """The body of a model with its weights; on the meta device without.

    Raises `OptunasError` where there is no such model, or its weights can't be had.
    """
    made = _from_timm(model) if model.startswith(TIMM) else _from_torchvision(model, weights)
    on_meta = next(made.network.parameters()).is_meta
    if weights is not None:
        path = weights_file(model, weights)
        if not on_meta:
            _load(made.network, path, model)
    return made


def _from_torchvision(model: str, weights: str | None) -> Body:
    _check_known(model)
    whole = {"aux_logits": False, "transform_input": True, "init_weights": False}
    asked = whole if model in ("googlenet", "inception_v3") else {}
    network = torchvision.models.get_model(model, weights=None, **asked)
    name, last = _classifier(network)
    parent, _, own = name.rpartition(".")
    setattr(network.get_submodule(parent), own, nn.Identity())
    features = last.in_features if isinstance(last, nn.Linear) else last.in_channels
    return Body(network, features, _as_torchvision_does(_entry(model, weights)))


def _classifier(network: nn.Module) -> tuple[str, nn.Linear | nn.Conv2d]:
    """The last layer that gives one number for each class of ImageNet."""
    found: list[tuple[str, nn.Linear | nn.Conv2d]] = []
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            found.append((name, module))
    return found[-1]


def _check_known(model: str) -> None:
    models = torchvision.models
    known = models.list_models(models)
    if model not in known:
        raise OptunasError(
            f"torchvision has no classification model {model!r}; it has {', '.join(known)}; "
            f"those of timm are written {TIMM}NAME"
        )


def _entry(model: str, weights: str | None) -> Any:
    """torchvision's entry for these weights; a file is taken to be like the newest of its model."""
    entries = torchvision.models.get_model_weights(model)
    return entries[weights] if weights in entries.__members__ else entries[OWN]


def _as_torchvision_does(entry: Any) -> Preprocessing:
    own = entry.transforms()
    return Preprocessing(
        tuple(own.mean), tuple(own.std), own.crop_size[0], own.resize_size[0],
        own.interpolation.value,
    )  # fmt: skip


def _from_timm(model: str) -> Body:
    timm = _timm()
    name = model.removeprefix(TIMM)
    if not timm.is_model(name):
        raise OptunasError(f"timm {timm.__version__} has no model {name!r}")
    network = timm.create_model(name, pretrained=False, num_classes=0)
    own = timm.data.resolve_model_data_config(network)
    size = own["input_size"][-1]
    mode = own["interpolation"] if own["interpolation"] in ("bilinear", "bicubic") else "bilinear"
    preprocessing = Preprocessing(
        tuple(own["mean"]), tuple(own["std"]), size, int(size / own["crop_pct"]), mode
    )
    return Body(network, network.num_features, preprocessing)


def _timm() -> Any:
    try:
        import timm
        import timm.data
    except ImportError:
        raise OptunasError(
            "models of timm need the package timm: pip install 'optunas[timm]'"
        ) from None
    return timm


@lru_cache
def weights_file(model: str, weights: str = OWN) -> Path:
    """The file with a model's weights; downloaded where it is the library's and not there yet."""
    try:
        if model.startswith(TIMM):
            return _timms_file(model, weights)
        if weights in torchvision.models.get_model_weights(model).__members__:
            return _torchvisions_file(_entry(model, weights))
    except (OSError, RuntimeError) as error:  # no network, no such page, a damaged download
        reason = " ".join(f"{error}".split())[:200] or type(error).__name__
        name = model.removeprefix(TIMM)
        raise OptunasError(
            f"the weights {weights} of {model} can't be had ({reason}): download them where there "
            f'is a network, and give the file: weights={{"{model}": "{name}.pth"}}; '
            "weights None trains from scratch"
        ) from None
    return _own_file(model, weights)


def _own_file(model: str, weights: str) -> Path:
    if not Path(weights).is_file():
        raise OptunasError(
            f"the weights of {model} are a file, or a name that its library knows; there is no "
            f"file {weights!r}, nor such weights"
        )
    return Path(weights)


def _torchvisions_file(entry: Any) -> Path:
    path = Path(str(get_dir())) / "checkpoints" / str(entry.url).rpartition("/")[2]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = re.search(r"-([0-9a-f]{8,})\.", path.name)
        download_url_to_file(entry.url, str(path), digest[1] if digest else None, progress=False)
    return path


def _timms_file(model: str, weights: str) -> Path:
    if weights != OWN:
        return _own_file(model, weights)
    timm = _timm()
    from huggingface_hub import hf_hub_download

    own = timm.get_pretrained_cfg(model.removeprefix(TIMM))
    if not own or not own.hf_hub_id:
        raise OSError("timm knows of none")
    return Path(str(hf_hub_download(own.hf_hub_id, "model.safetensors")))


def _load(network: nn.Module, path: Path, model: str) -> None:
    """Take the body's numbers from a file; those of its old classifier are left out."""
    state = {_today(name): value for name, value in _read(path, model).items()}
    try:
        missing, unexpected = network.load_state_dict(state, strict=False)
    except RuntimeError as error:
        text = " ".join(str(error).split())[:300]
        raise OptunasError(f"{path} does not hold weights of {model}: {text}") from None
    if missing:
        raise OptunasError(
            f"{path} does not hold weights of {model}: it lacks {len(missing)} of "
            f"{len(missing) + len(state) - len(unexpected)}, first {missing[0]!r}"
        )


def _read(path: Path, model: str) -> Mapping[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or foreign file can raise anything
        text = " ".join(str(error).split())[:200]
        raise OptunasError(f"{path} is no file of weights for {model}: {text}") from None
    for wrapped in ("state_dict", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(wrapped), Mapping):
            state = state[wrapped]
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise OptunasError(f"{path} holds no state dict: save network.state_dict()")
    return state


def _today(name: str) -> str:
    """Names of the oldest files of DenseNet, which torch no longer allows in a module."""
    return re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)", r"\1\2", name)
