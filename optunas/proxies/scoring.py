"""`score`: what proxies say of a network."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from itertools import chain
from math import isfinite, nan

import torch
from torch import Tensor, nn

from optunas.errors import DataError
from optunas.proxies.grad_norm import grad_norm
from optunas.proxies.names import check_proxies, parsed_proxy
from optunas.proxies.naswot import naswot
from optunas.proxies.size import macs, params
from optunas.proxies.swap import swap
from optunas.proxies.synflow import synflow
from optunas.proxies.twin import twin
from optunas.training.seeds import global_seed

_log = logging.getLogger("optunas")

_PROXY: dict[str, Callable[..., float]] = {
    "swap": swap,
    "naswot": naswot,
    "synflow": synflow,
    "grad_norm": grad_norm,
    "params": params,
    "macs": macs,
}


def score(
    names: Iterable[str], network: nn.Module, images: Tensor, labels: Tensor, *, seed: int = 0
) -> dict[str, float]:
    """What each of the proxies says of the network, the greater the better.

    * `names`: some of `PROXIES`; `swap(mu=1500000, sigma=1000000)` is regularised (`swap`). The
      answers have the names as `check_proxies` writes them;
    * `images`: a batch (B, C, H, W) as the network gets it, normalised; `labels`: (B,) int64.

    NaN is the answer of a proxy that can say nothing: no activation was seen (`Patterns`), the
    network does not run in float64, its code fails, a number is out of range. The network is left
    as it was found, with its weights, statistics, gradients and modes, and so is torch's random
    state; `seed` is that of networks that draw random numbers.

    Raises `StudyError` for an unknown proxy and `DataError` for a batch that is none.
    """
    wanted = check_proxies(names)
    _check(images, labels)
    tensors = chain(network.parameters(), network.buffers(), [images])
    like = next(tensor for tensor in tensors if tensor.is_floating_point())
    images, labels = images.to(like), labels.to(like.device)
    return {name: _answer(name, network, images, labels, seed) for name in wanted}


def _answer(name: str, network: nn.Module, images: Tensor, labels: Tensor, seed: int) -> float:
    kind, settings = parsed_proxy(name)
    try:
        with global_seed(seed, images.device), images.device:
            answer = _PROXY[kind](twin(network), images.clone(), labels, **settings)
    except Exception:  # somebody's network may fail in any way; the search shall not
        _log.debug("proxy %s can't score this network", name, exc_info=True)
        return nan
    return answer if isfinite(answer) else nan


def _check(images: Tensor, labels: Tensor) -> None:
    shape, found = tuple(images.shape), tuple(labels.shape)
    if len(shape) != 4 or not images.is_floating_point() or shape[0] < 2:
        raise DataError(
            "proxies look at two images or more, float (B, C, H, W), normalised; got "
            f"{images.dtype} {shape}"
        )
    if found != shape[:1] or labels.dtype != torch.int64:
        raise DataError(
            f"each of {shape[0]} images has one label, int64 (B,); got {labels.dtype} {found}"
        )
