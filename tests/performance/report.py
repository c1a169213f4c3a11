"""What the report costs: `python tests/performance/report.py --trials 2000`.

Writes the report of a made-up study and opens it in chromium (Playwright): seconds to write it,
its size, and seconds from the call of the file to the first text, to the `load` event, and until
the last plot is drawn. `busy` is the processor time of the main thread of the page until then,
which other work on the machine does not lengthen much.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from made_up import made_up
from reporting import Table, parsed, parser, report, spread

from optunas.report.html import page

OPENS_IN, SIZE = 2.0, 5e6  # seconds, bytes
TEXT = "performance.getEntriesByType('paint').at(-1).startTime / 1000"
PARTS = ("first text", "load", "all plots", "busy")


def opened(path: Path, repeats: int) -> dict[str, list[float]]:
    """Seconds of each part, each time in a fresh page; empty where there is no browser."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return {}
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {part: [] for part in PARTS}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for number in range(repeats + 1):
            seconds = _open(browser, path)
            for part in PARTS if number else ():  # the first one starts the browser's processes
                found[part].append(seconds[part])
        browser.close()
    return found


def _open(browser: Any, path: Path) -> dict[str, float]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    start = time.perf_counter()
    page.goto(path.as_uri(), wait_until="load")
    loaded = time.perf_counter() - start
    page.locator("html[data-drawn=all]").wait_for(state="attached")
    drawn = time.perf_counter() - start
    metrics = session.send("Performance.getMetrics")["metrics"]
    busy = next(one["value"] for one in metrics if one["name"] == "TaskDuration")
    text = page.evaluate(TEXT)
    page.close()
    return {"first text": text, "load": loaded, "all plots": drawn, "busy": busy}


def main() -> None:
    made = parser(__doc__, data=False)
    made.add_argument("--trials", type=int, nargs="+", default=[2000])
    made.add_argument("--repeats", type=int, default=5)
    options = parsed(made)
    found = report("The report in one file", options.device, options.seed)
    table = Table("seconds (median and quartiles)", ["trials", "MB", "to write", *PARTS])
    with tempfile.TemporaryDirectory() as folder:
        for trials in options.trials:
            study = made_up(trials, seed=options.seed)
            start = time.perf_counter()
            text = page(study)
            wrote = time.perf_counter() - start
            path = Path(folder) / f"{trials}.html"
            path.write_text(text, encoding="utf-8")
            size = path.stat().st_size
            seconds = opened(path, options.repeats)
            said = [spread(seconds[part]) if seconds else "no browser" for part in PARTS]
            table.add(trials, size / 1e6, wrote, *said)
            found.figures[str(trials)] = {"bytes": size, "write": wrote, **seconds}
            found.lines += _verdicts(trials, size, seconds)
    found.tables.append(table)
    found.finish(options)


def _verdicts(trials: int, size: int, seconds: dict[str, list[float]]) -> list[str]:
    lines = [f"target {_met(size < SIZE)}: {trials} trials take {size / 1e6:.2f} MB of 5"]
    if seconds:
        load, drawn, busy = (median(seconds[part]) for part in ("load", "all plots", "busy"))
        lines.append(
            f"target {_met(load < OPENS_IN)}: {trials} trials are open (text, tables, pictures of "
            f"networks) in {load:.2f} s of {OPENS_IN:g}"
        )
        lines.append(
            f"target {_met(drawn < OPENS_IN)}: their last plot is drawn after {drawn:.2f} s "
            f"of {OPENS_IN:g}, {busy:.2f} s of them at work"
        )
    return lines


def _met(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


if __name__ == "__main__":
    main()
