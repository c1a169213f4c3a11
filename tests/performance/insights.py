"""How long the insights take, how long the figures, and how large these are.

    python tests/performance/insights.py --trials 5000 --parameters 40

A made-up study in memory, with the attributes that a search writes; CPU seconds of one thread, the
first row with what is imported then.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from optunas import insights, visualization
from tests.insights.made import a_search

NUMBERS = (
    "front", "operations", "importances", "effects", "agreement", "savings", "timeline", "findings",
)  # fmt: skip


def main() -> None:
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--trials", type=int, default=5000)
    made.add_argument("--parameters", type=int, default=40)
    options = made.parse_args()
    study = a_search(options.trials, parameters=options.parameters, workers=16)
    print(f"{platform.machine()}, {options.trials} trials of {options.parameters} parameters")
    total = 0.0
    for name in NUMBERS:
        total += _timed(name, lambda name=name: getattr(insights, name)(study))[0]
    print(f"{'all insights':<24}{total:8.2f} s")
    spent, size = 0.0, 0
    for name in visualization.__all__:
        seconds, said = _timed(
            name, lambda name=name: getattr(visualization, name)(study).to_json()
        )
        spent, size = spent + seconds, size + len(said)
    print(f"{'all figures':<24}{spent:8.2f} s{size / 1000:8.0f} KB")


def _timed(name: str, work):
    begin = time.process_time()
    result = work()
    seconds = time.process_time() - begin
    size = f"{len(result) / 1000:8.0f} KB" if isinstance(result, str) else ""
    print(f"{name:<24}{seconds:8.2f} s{size}", flush=True)
    return seconds, result


if __name__ == "__main__":
    main()
