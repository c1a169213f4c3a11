"""When does `torch.compile` pay? Its cost and its gain for small candidates on this device.

    python tests/performance/compiling.py --seconds 3

Each candidate is trained eagerly and compiled, by `optunas.training`'s own steps, in child
processes: with an empty cache, and again with what the first one left there. A compiled step that
is faster by a factor g repays c seconds of compiling after c x g / (g - 1) seconds of eager
training.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from math import inf
from statistics import median
from time import perf_counter
from typing import Any

import torch
from networks import SMALL_MACS, STEM_STRIDE, candidates
from reporting import Table, parsed, parser, report, short

from optunas import Engine, Recipe
from optunas.data import Data, Split
from optunas.training.loop import prepare
from optunas.training.steps import FEW, Steps

SHAPE, CLASSES = (3, 32, 32), 10


def main() -> None:
    made = parser(__doc__, data=False)
    made.add_argument("--seconds", type=float, default=3.0, help="of steps, after the first ones")
    made.add_argument("--candidates", type=int, default=3)
    made.add_argument("--batch", type=int, default=128)
    made.add_argument("--child", help=argparse.SUPPRESS)
    options = parsed(made)
    if options.child:
        print(json.dumps(_measured(json.loads(options.child), options)))
        return
    said = report("torch.compile of small candidates", options.device, options.seed)
    heads = [
        "network",
        "MACs",
        "eager ms",
        "compiled ms",
        "gain",
        "cold s",
        "cached s",
        "pays after",
    ]
    table = Table("a step, and the first one", heads)
    for number in range(options.candidates):
        with tempfile.TemporaryDirectory() as cache:
            eager, cold, warm = (
                _child({"number": number, "steps": how}, cache, options)
                for how in ("eager", "compiled", "compiled")
            )
        gain = eager["step"] / cold["step"]
        cost = max(0.0, cold["first"] - eager["first"])
        pays = cost * gain / (gain - 1) if gain > 1 else inf
        table.add(
            eager["name"], short(eager["macs"]), f"{1e3 * eager['step']:.1f}",
            f"{1e3 * cold['step']:.1f}", f"{gain:.2f}", f"{cold['first']:.1f}",
            f"{warm['first']:.1f}", f"{pays:.0f} s" if pays < inf else "never",
        )  # fmt: skip
        said.figures[eager["name"]] = {"eager": eager, "cold": cold, "warm": warm, "pays": pays}
    said.tables = [table]
    said.finish(options)


def _child(what: dict[str, Any], cache: str, options: argparse.Namespace) -> dict[str, Any]:
    words = [sys.executable, __file__, "--child", json.dumps(what), "--seed", str(options.seed)]
    words += ["--seconds", str(options.seconds), "--batch", str(options.batch)]
    words += ["--device", str(options.device), "--candidates", str(options.candidates)]
    environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(what: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    device = options.device
    macs, stride = SMALL_MACS[device.type], STEM_STRIDE[device.type]
    named = candidates(
        options.candidates, SHAPE, CLASSES, macs=macs, stem_stride=stride, seed=options.seed
    )[what["number"]]
    data, recipe = _made_up(options.batch), Recipe(batch_size=options.batch)
    run = prepare(named.build(device), data, recipe, device, 0, Engine())
    steps = Steps(run.step, device, what["steps"], total=FEW)
    batches = list(run.training.shuffled(torch.Generator(device).manual_seed(0)))
    times: list[float] = []
    while len(times) < 8 or sum(times[6:]) < options.seconds:
        start = perf_counter()
        steps(batches[len(times) % len(batches)])
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(perf_counter() - start)
    return {
        "name": named.name, "macs": named.cost.macs, "first": times[0], "step": median(times[6:]),
        "said": steps.said,
    }  # fmt: skip


def _made_up(batch: int) -> Data:
    def split(count: int) -> Split:
        generator = torch.Generator().manual_seed(count)
        images = torch.randint(0, 256, (count, *SHAPE), generator=generator).to(torch.uint8)
        return Split(images, torch.arange(count) % CLASSES)

    names = tuple(map(str, range(CLASSES)))
    return Data.from_splits("made up", (split(4 * batch), split(100), split(100)), names)


if __name__ == "__main__":
    main()
