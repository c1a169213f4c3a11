"""What it takes to look at a candidate: run `python tests/performance/pricing.py`.

Fresh random networks of `ConvNet` for 32x32 images: milliseconds to draw, to price and to key one,
with empty caches and as in a running search, beside building it on the meta device and counting
with torch's and fvcore's counters.
"""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Callable, Sequence
from statistics import fmean
from time import perf_counter

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from optunas.architecture import Architecture, cost, features, key, normal
from optunas.nn import build
from optunas.spaces import ConvNet, draw

features_module = sys.modules[features.__module__]  # the function has the module's name
SHAPE, CLASSES = (3, 32, 32), 10


def forget() -> None:
    """Empty the caches that one candidate leaves for the next."""
    normal._whole.cache_clear()
    normal._part.cache_clear()
    features_module._STEPS.clear()


def milliseconds(work: Callable[[Architecture], object], networks: Sequence[Architecture]) -> float:
    """Mean for one network."""
    start = perf_counter()
    for network in networks:
        work(network)
    return (perf_counter() - start) / len(networks) * 1e3


def flops_by_torch(network: nn.Module) -> int:
    """Operations of one image as torch counts them."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(1, *SHAPE, device="meta"))
    return counter.get_total_flops()


def flops_by_fvcore(network: nn.Module) -> float:
    """Operations of one image as fvcore counts them, on the CPU."""
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(network, torch.zeros(1, *SHAPE))
    return analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total()


def price(network: Architecture) -> None:
    """Everything a sampler wants to know before it proposes a network."""
    cost(network, SHAPE, CLASSES)
    key(network, SHAPE, CLASSES)
    features(network, SHAPE, CLASSES)


def layers_of(network: Architecture) -> float:
    """Convolutions and fully connected layers."""
    found = features(network, SHAPE, CLASSES)
    return found.get("count.Conv", 0) + found.get("count.Linear", 0)


def price_afresh(network: Architecture) -> None:
    forget()
    price(network)


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    start = perf_counter()
    networks = [draw(ConvNet().suggest, rng).architecture for _ in range(2000)]
    drawn = (perf_counter() - start) / len(networks) * 1e3
    modules = [build(network, SHAPE, CLASSES, device="meta") for network in networks[:50]]
    layers = fmean(
        sum(isinstance(part, nn.Conv2d | nn.Linear) for part in m.modules()) for m in modules
    )
    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, ",
        end="",
    )
    print(f"torch {torch.__version__}; {layers:.0f} convolutions and linear layers on average")

    def row(name: str, figure: float) -> None:
        print(f"{name:<52}{figure:>9.3f} ms")

    row("draw", drawn)
    row("cost, key, features, empty caches", milliseconds(price_afresh, networks[:200]))
    forget()
    row("cost, key, features, the first 100 of a search", milliseconds(price, networks[:100]))
    times = {network: milliseconds(price, [network]) for network in networks[100:1000]}
    row("cost, key, features, the next 900", fmean(times.values()))
    usual = [time for network, time in times.items() if 18 <= layers_of(network) <= 22]
    row(f"    {len(usual)} of them, those of 18 to 22 layers", fmean(usual))
    fresh = networks[1000:]
    row("cost, later", milliseconds(lambda n: cost(n, SHAPE, CLASSES), fresh))
    price(fresh[-1])
    row("key, once priced", milliseconds(lambda n: key(n, SHAPE, CLASSES), fresh[-100:]))
    meta = milliseconds(lambda n: build(n, SHAPE, CLASSES, device="meta"), networks[:50])
    row("build on the meta device", meta)
    row("torch's FlopCounterMode, once built", milliseconds(flops_by_torch, modules))
    if importlib.util.find_spec("fvcore") is None:
        print("fvcore is not installed")
        return
    real = [build(network, SHAPE, CLASSES).eval() for network in networks[:10]]
    row("fvcore's FlopCountAnalysis, once built (CPU)", milliseconds(flops_by_fvcore, real))


if __name__ == "__main__":
    main()
