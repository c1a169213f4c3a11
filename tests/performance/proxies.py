"""Zero-cost proxies on NAS-Bench-201: `python tests/performance/proxies.py TABLE CIFAR`.

TABLE is a CSV of the benchmark (`optunas.benchmarks.nasbench201`), CIFAR a folder of CIFAR-10's
images (train/CLASS/*.jpg, test/CLASS/*.jpg). Builds random cells in the benchmark's own skeleton
(16 channels, 5 cells a stage), scores each by every proxy with 64 training images, and prints
Spearman's rho with the accuracies of the table, beside what is published. `proxies.md` is what it
wrote. Each network is a line of the file that --scores names; a run that is begun again goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import torch

from optunas.benchmarks import TabularBenchmark, nasbench201
from optunas.data import image_folder
from optunas.nn import build
from optunas.proxies import PROXIES, Probe, spearman
from optunas.spaces import NASBench201, draw

COLUMNS = ("cifar10_test200", "cifar10_val12", "cifar100_test200")
NAMES = (PROXIES[0], "swap(mu=1500000, sigma=1700000)", *PROXIES[1:])
PUBLISHED = {
    "grad_norm": "0.594 [1]",
    "synflow": "0.737 [1]",
    "naswot": "0.80 on CIFAR-100 [2]",
    NAMES[1]: "0.90 on CIFAR-100 [2]",
}
SOURCES = """\
[1] Abdelfattah et al. 2021, arXiv:2101.08134, Table 1 as their notebook computes it
(github.com/SamsungLabs/zero-cost-nas, notebooks/nasbench201_correlations.ipynb): all 15,625 cells,
one batch of CIFAR-10, test accuracy.
[2] Peng et al. 2024, arXiv:2403.04161, abstract: validation accuracy on CIFAR-100; the first is
NASWOT as they computed it, the second their regularised SWAP-score, whose mu and sigma for this
space the abstract does not give. Here the images are those of CIFAR-10 for every column."""


def scored(cell: Mapping[str, str], seed: int, probe: Probe) -> dict[str, Any]:
    """The scores of a cell's network, and the CPU seconds that each took."""
    architecture = NASBench201().architecture(list(cell.values()))
    start = process_time()
    network = build(architecture, (3, 32, 32), 10, seed=seed)
    row: dict[str, Any] = {"cell": dict(cell), "seconds": {"build": process_time() - start}}
    for name in NAMES:
        start = process_time()
        row |= probe.scores([name], network)
        row["seconds"][name] = process_time() - start
    return row


def all_scored(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The lines of the file, as many as there shall be."""
    probe = Probe.of(image_folder(options.cifar), seed=options.seed)
    rng = np.random.default_rng(options.seed)
    cells = [draw(NASBench201().suggest, rng).params for _ in range(options.networks)]
    options.scores.parent.mkdir(parents=True, exist_ok=True)
    done = options.scores.read_text().splitlines() if options.scores.exists() else []
    for number, cell in enumerate(cells):
        if number >= len(done):
            done.append(json.dumps(scored(cell, number, probe)))
            with options.scores.open("a") as file:
                print(done[-1], file=file)
    rows = [json.loads(line) for line in done[: len(cells)]]
    if [row["cell"] for row in rows] != cells:
        raise SystemExit(f"{options.scores} holds other cells: name another file, --scores")
    return rows


def rho(rows: Sequence[Mapping[str, Any]], name: str, accuracy: Sequence[float]) -> str:
    """Spearman's, over the networks that the proxy could score."""
    pairs = [(r[name], a) for r, a in zip(rows, accuracy, strict=True) if isfinite(r[name])]
    found = spearman(*zip(*pairs, strict=True))
    return f"{found:.3f}" + ("" if len(pairs) == len(rows) else f" ({len(pairs)})")


def report(rows: Sequence[Mapping[str, Any]], benchmark: TabularBenchmark, command: str) -> str:
    accuracies = {
        column: [benchmark.row(row["cell"])[column] for row in rows] for column in COLUMNS
    }
    lines = [
        "| proxy | " + " | ".join(COLUMNS) + " | CPU s | published |",
        "| --- | " + "---: | " * (len(COLUMNS) + 1) + "--- |",
    ]
    for name in NAMES:
        found = [rho(rows, name, accuracies[column]) for column in COLUMNS]
        seconds = median(row["seconds"][name] for row in rows)
        cells = [name, *found, f"{seconds:.3f}", PUBLISHED.get(name, "")]
        lines.append("| " + " | ".join(cells) + " |")
    building = median(row["seconds"]["build"] for row in rows)
    different = len({json.dumps(row["cell"]) for row in rows})
    return f"""# Zero-cost proxies on NAS-Bench-201

Spearman's rho over {len(rows)} random cells ({different} different) with the accuracies of the
benchmark, 16 channels and 5 cells a stage, 64 training images of CIFAR-10, weights drawn once. The
standard error of a rho is {1 / (len(rows) - 3) ** 0.5:.2f} or less. `CPU s`: median seconds of one
thread for one network; building it takes {building:.3f}.

{chr(10).join(lines)}

`params` and `macs` are those of the network that is left where `none` cuts a cell; the benchmark
itself counts the weights of what leads nowhere too. `mu` is about the largest network of the space;
it and `sigma` were chosen on 77 other random cells, among 24 pairs.

{SOURCES}

`{command}`; {cpu()}, one thread, Python {platform.python_version()}, torch {torch.__version__}.
"""


def cpu() -> str:
    """What the figures were measured on."""
    lines = (
        Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []
    )
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def main(options: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    benchmark = nasbench201(options.table)
    said = f"proxies.py TABLE CIFAR --networks {options.networks} --seed {options.seed}"
    text = report(all_scored(options), benchmark, said)
    print(text)
    if options.out is not None:
        options.out.write_text(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("cifar", type=Path)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scores", type=Path, default=Path("optunas-runs/proxies.jsonl"))
    parser.add_argument("--out", type=Path, help="where to write the report, too")
    main(parser.parse_args())
