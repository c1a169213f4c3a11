"""A real browser: Debian's chromium, driven by Playwright. Without one, its tests are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

LOUD = ("error", "warning")
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    found = os.environ.get("OPTUNAS_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no chromium is here; install one, or set OPTUNAS_CHROMIUM to its path")
    with playwright.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def complaints() -> list[str]:
    """What pages wrote to the console as errors or warnings, or raised."""
    return []


@pytest.fixture
def open_page(browser: Any, complaints: list[str]) -> Iterator[Callable[..., Any]]:
    """open_page(width=390, dark=True) -> a page whose console is listened to."""
    pages = []

    def opened(width: int = 1280, height: int = 900, dark: bool = False, **more: Any) -> Any:
        scheme = "dark" if dark else "light"
        page = browser.new_page(
            viewport={"width": width, "height": height}, color_scheme=scheme, **more
        )
        page.on("console", lambda said: said.type in LOUD and complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Any:
    """A page 1280 pixels wide, in light colours."""
    return open_page()


@pytest.fixture
def screenshot(tmp_path: Path) -> Callable[[Any, str], Path]:
    """screenshot(page, "report-390-dark") is kept under OPTUNAS_SCREENSHOTS, if that is set."""
    folder = Path(os.environ.get("OPTUNAS_SCREENSHOTS") or tmp_path)

    def keep(page: Any, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return keep
