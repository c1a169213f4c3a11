"""The report in a real browser: it opens, draws everything, prints, and runs nothing of a study."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import create_trial

from optunas import fingerprint
from optunas.report.html import write

from ..performance.made_up import made_up
from ..small import STUDY_FILE, Run

pytestmark = pytest.mark.usefixtures("quiet")

PLOTS = 8  # of `optunas.visualization`
HOSTILE = (
    "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>"
    "<a href=\"javascript:window.broken = 1\" onclick='window.broken = 1'>here</a>"
    "<svg onload='window.broken = 1'></svg><b>bold</b>"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(made_up(60), tmp_path_factory.mktemp("report") / "report.html")


def opened(page: Any, path: Path) -> None:
    page.goto(path.as_uri())
    page.locator("html[data-drawn=all]").wait_for(state="attached", timeout=60_000)


@pytest.mark.parametrize("width", [1280, 390])
def test_everything_is_visible_and_readable_in_light_and_dark(
    width: int,
    report: Path,
    open_page: Callable[..., Any],
    complaints: list[str],
    screenshot: Callable[..., Path],
) -> None:
    page = open_page(width=width)
    opened(page, report)
    for plot in page.locator(".plot").all():
        box = plot.locator(".main-svg").first.bounding_box()
        assert box["width"] > 250
        assert box["height"] > 50
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert page.locator(".plot .main-svg").count() >= PLOTS
    assert page.locator("svg.optunas-diagram").first.is_visible()
    for name in ("searched", "findings", "networks", "best", "changes", "ends", "time", "settings"):
        assert page.locator(f"#{name} h2").is_visible(), name
    assert page.evaluate("document.documentElement.scrollWidth") <= width  # nothing is cut off
    readable(page)
    assert screenshot(page, f"report-{width}-light").exists()
    light = page.locator(TICK).first.evaluate("e => getComputedStyle(e).fill")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(500)
    readable(page)
    assert screenshot(page, f"report-{width}-dark").exists()
    dark = page.locator(TICK).first.evaluate("e => getComputedStyle(e).fill")
    assert luminance(light) < 0.1 < 0.5 < luminance(dark)
    assert complaints == []


def test_a_real_search_is_shown(
    page: Any,
    complaints: list[str],
    tmp_path: Path,
    screenshot: Callable[..., Path],
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.py").write_text(STUDY_FILE)
    code, _, err = run("run", "few.py", "--trials", "5")
    assert code == 0, err
    code, _, err = run("report", "-o", "found.html")
    assert (code, err) == (0, "")
    opened(page, tmp_path / "found.html")
    assert complaints == []
    storage = f"sqlite:///{tmp_path}/optunas.db"
    best = optuna.load_study(study_name="few", storage=storage).best_trial
    said = page.locator(".lead").inner_text()
    assert f"trial {best.number}: accuracy {100 * best.value:.2f} %" in said
    assert page.locator("#searched pre").inner_text() == "optunas run few.py --trials 5"
    assert page.locator(f"#networks article >> text=Trial {best.number}").is_visible()
    for plot in page.locator(".plot").all():
        assert plot.locator(".main-svg").first.is_visible()
    screenshot(page, "report-real-search")


def test_without_javascript_words_tables_and_pictures_are_there(
    report: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(report.as_uri())
    assert page.locator("#best table").is_visible()
    assert page.locator("svg.optunas-diagram").first.is_visible()
    assert "switched off" in page.locator("noscript").inner_text()


def readable(page: Any) -> None:
    """Texts stand out from their ground (WCAG 2, AA)."""
    for where in ("body", ".note", "main dt", "figcaption", ".layers .new code", "th"):
        ink, ground = page.locator(where).first.evaluate(GROUND)
        assert contrast(ink, ground) >= 4.5, where
    for text in page.locator(TICK).all():
        ink = text.evaluate("e => getComputedStyle(e).fill")
        assert contrast(ink, page.locator("html").evaluate(GROUND)[1]) >= 4.5


TICK = "#plot-cost .xtick text"
GROUND = """start => {
  let e = start;
  const none = 'rgba(0, 0, 0, 0)';
  while (e.parentElement && getComputedStyle(e).backgroundColor === none) e = e.parentElement;
  return [getComputedStyle(start).color, getComputedStyle(e).backgroundColor];
}"""


def contrast(one: str, other: str) -> float:
    """The ratio of two colours as WCAG 2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [float(p) / 255 for p in colour.partition("(")[2].rstrip(")").split(",")[:3]]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_on_paper_all_plots_stand_in_light_colours(
    report: Path, open_page: Callable[..., Any], tmp_path: Path
) -> None:
    page = open_page(dark=True)
    page.goto(report.as_uri())
    page.locator(".plot .main-svg").first.wait_for(timeout=60_000)  # the others need not be there
    page.evaluate("() => { dispatchEvent(new Event('beforeprint')); }")
    page.emulate_media(media="print")
    for plot in page.locator(".plot").all():
        assert plot.locator(".main-svg").first.bounding_box()["width"] == 660
    tick = page.locator(TICK).first
    assert luminance(tick.evaluate("e => getComputedStyle(e).fill")) < 0.1
    box = page.locator("svg.optunas-diagram .back").first
    assert luminance(box.evaluate("e => getComputedStyle(e).fill")) > 0.9
    page.evaluate("() => { dispatchEvent(new Event('afterprint')); }")
    page.emulate_media(media="screen")
    page.wait_for_timeout(300)
    assert page.locator("#plot-cost .main-svg").first.bounding_box()["width"] > 800
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n") > 3


def test_nothing_of_a_hostile_study_runs(
    page: Any, complaints: list[str], tmp_path: Path, screenshot: Callable[..., Path]
) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, write(hostile(), tmp_path / "report.html"))
    screenshot(page, "report-hostile")
    assert page.evaluate("window.broken") is None
    assert complaints == []  # not even tried
    assert dialogs == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert page.locator("img, a[href^=javascript], [onerror], [onclick], [onload]").count() == 0
    assert page.locator("h1").inner_text() == HOSTILE
    for plot in page.locator(".plot").all():
        plot.hover()  # what is told at the pointer is theirs as well
    assert page.evaluate("window.broken") is None
    assert page.locator(".plot a").count() == 0


def test_the_policy_stops_what_would_slip_through(
    report: Path, page: Any, complaints: list[str], tmp_path: Path
) -> None:
    slipped = "<script>window.broken = 1</script><img src=x onerror='window.broken = 1'>"
    spoiled = tmp_path / "spoiled.html"
    spoiled.write_text(report.read_text().replace("<main>", f"<main>{slipped}"))
    page.goto(spoiled.as_uri())
    assert page.evaluate("window.broken") is None
    assert any("Content Security Policy" in said for said in complaints)


def hostile() -> optuna.Study:
    """A study whose every text is hostile, and of which every plot shows something."""
    study = optuna.create_study(study_name=HOSTILE, direction="maximize")
    study.set_metric_names([HOSTILE])
    texts = ("reason", "role", "device", "engine", "key")
    for trial in made_up(60).get_trials():
        params = {f"{name}{HOSTILE}": f"{value}{HOSTILE}" for name, value in trial.params.items()}
        choices = {
            f"{name}{HOSTILE}": optuna.distributions.CategoricalDistribution(
                [f"{choice}{HOSTILE}" for choice in how.choices]
            )
            for name, how in trial.distributions.items()
        }
        known = {**trial.user_attrs, **dict.fromkeys(texts, HOSTILE)}
        known["worker"] = {**known["worker"], "host": HOSTILE}
        study.add_trial(
            create_trial(
                state=trial.state,
                value=trial.value,
                params=params,
                distributions=choices,
                user_attrs=known,
                intermediate_values=trial.intermediate_values,
            )
        )
    stored = json.dumps(made_up(1).user_attrs[fingerprint.ATTRIBUTE])
    study.set_user_attr(fingerprint.ATTRIBUTE, {HOSTILE: HOSTILE, **json.loads(stored)})
    study.set_user_attr(fingerprint.COMMAND, HOSTILE)
    return study
