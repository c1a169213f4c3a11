"""optuna-dashboard as `optunas dashboard` serves it, in a browser, on a study of a real search."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import TrialState, create_trial
from optuna_dashboard import save_note

from optunas import Limits
from optunas.attributes import Outcome, outcome
from optunas.report import Publisher
from optunas.report.gallery import Gallery
from optunas.report.note import trial_note
from optunas.report.publisher import PLOTS
from optunas.report.server import dashboard_server
from optunas.search import search_for

from ..performance.made_up import made_up
from ..small import STUDY_FILE, small_objective

pytestmark = pytest.mark.usefixtures("quiet")
ROUTES = ("", "/analytics", "/trials", "/smartSelection", "/note")
SCRIPT = (
    '<img src=x onerror="window.broken=1"><script>window.broken=1</script>'
    "[here](javascript:window.broken=1) <svg onload='window.broken=1'></svg>"
)


@contextmanager
def served(storage: BaseStorage) -> Iterator[str]:
    """The dashboard of a storage, on a free port."""
    with dashboard_server(storage, Gallery(storage), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> BaseStorage:
    """A study of 12 trials, with a limit that rejects some, and its page."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folder = tmp_path_factory.mktemp("study")
    storage = optuna.storages.get_storage(f"sqlite:///{folder}/optunas.db")
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(
        study_name="digits", storage=storage, direction="maximize", sampler=sampler
    )
    checkpoints = folder / "optunas-runs" / "digits" / "checkpoints"
    limits = Limits(params=6_000)
    objective = small_objective(pages=True, checkpoints=checkpoints, limits=limits)
    study.optimize(objective, n_trials=12)
    Publisher().close(study)
    return storage


@pytest.fixture(scope="module")
def site(storage: BaseStorage) -> Iterator[str]:
    with served(storage) as address:
        yield address


def studied(storage: BaseStorage) -> optuna.Study:
    return optuna.load_study(study_name="digits", storage=storage)


def settled(page: Any, address: str) -> None:
    """Open a page, and wait until it has what it asked for."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)


def seen(found: Any) -> Any:
    """Wait until the first of what was found can be seen."""
    found.first.wait_for(state="visible", timeout=30_000)
    return found.first


def real(complaints: list[str]) -> list[str]:
    """Without what the driver of a machine without a GPU says of WebGL."""
    return [line for line in complaints if "GPU stall" not in line]


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_opens_without_a_complaint(
    width: int, site: str, open_page: Callable[..., Any], complaints: list[str],
    screenshot: Callable[..., Path],
) -> None:  # fmt: skip
    page = open_page(width=width)
    settled(page, f"{site}/")
    seen(page.get_by_text("digits"))
    for route in ROUTES:
        settled(page, f"{site}/dashboard/studies/1{route}")
        seen(page.get_by_text("digits"))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, route
        name = route.strip("/") or "study"
        assert screenshot(page, f"dashboard-{name}-{width}").exists()
    assert real(complaints) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_a_trials_note_pictures_and_table_are_visible(
    width: int, site: str, storage: BaseStorage, open_page: Callable[..., Any],
    complaints: list[str], screenshot: Callable[..., Path],
) -> None:  # fmt: skip
    page, best = open_page(width=width), studied(storage).best_trial
    settled(page, f"{site}/dashboard/studies/1/trials?numbers={best.number}")
    accuracy = f"{100 * best.user_attrs['accuracy']:.2f} %"
    seen(page.locator("strong", has_text=accuracy))
    seen(page.get_by_text("F1 by class, the worst first"))
    seen(page.locator("table code", has_text="Linear()"))
    assert screenshot(page, f"dashboard-trial-{width}").exists()
    for name in ("1 network.svg", "2 curve.svg", "4 confusion.svg", "5 mistakes.png"):
        picture = page.locator(f"img[alt='{name}']").first
        picture.scroll_into_view_if_needed()
        seen(picture)
        assert picture.evaluate("image => image.naturalWidth") > 90, name
        assert picture.bounding_box()["width"] > (400 if width == 1280 else 150)  # readable
    assert screenshot(page, f"dashboard-artifacts-{width}").exists()
    page.get_by_label("show artifact table").first.click()
    page.wait_for_timeout(500)
    seen(page.get_by_text("train_loss"))
    seen(page.get_by_text(str(best.user_attrs["curve"][0][0])))
    assert screenshot(page, f"dashboard-table-{width}").exists()
    assert real(complaints) == []


def test_a_note_leads_to_the_trial_it_was_reused_from(
    site: str, storage: BaseStorage, page: Any, complaints: list[str]
) -> None:
    twin = next(t for t in studied(storage).trials if outcome(t) is Outcome.REUSED)
    first = twin.user_attrs["reused_from"]
    settled(page, f"{site}/dashboard/studies/1/trials?numbers={twin.number}")
    page.get_by_role("link", name=f"trial {first}").click()
    page.wait_for_load_state("networkidle")
    seen(page.get_by_text(f"Trial {first} (trial_id="))
    assert real(complaints) == []


def test_each_plot_is_drawn_and_fits_its_box(
    site: str, page: Any, complaints: list[str], screenshot: Callable[..., Path]
) -> None:
    settled(page, f"{site}/dashboard/studies/1")
    for name in PLOTS:
        plot = page.locator(f"[id='user-defined-plot:optunas.{name}']")
        plot.scroll_into_view_if_needed()
        title = plot.locator(".gtitle")
        seen(title)
        box, drawn = plot.bounding_box(), plot.locator(".main-svg").first.bounding_box()
        assert box["width"] > 300
        assert drawn["height"] <= box["height"], name
    assert screenshot(page, "dashboard-plots").exists()
    assert real(complaints) == []


def test_the_studys_note_leads_to_the_best_trial(
    site: str, storage: BaseStorage, page: Any, complaints: list[str]
) -> None:
    best = studied(storage).best_trial.number
    settled(page, f"{site}/dashboard/studies/1/note")
    seen(page.get_by_text("Best so far: trial"))
    page.get_by_role("link", name=str(best), exact=True).first.click()
    page.wait_for_load_state("networkidle")
    seen(page.get_by_text(f"Trial {best} (trial_id="))
    assert real(complaints) == []


def test_an_artifact_by_itself_runs_nothing(
    site: str, storage: BaseStorage, page: Any, tmp_path: Path
) -> None:
    """An SVG with a script, as somebody who may write to the store could put it there."""
    study = studied(storage)
    hostile = tmp_path / "a.svg"
    hostile.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"><script>document.title="broken"</script></svg>'
    )
    place = study.user_attrs["optunas.pictures"]["folder"]
    identifier = optuna.artifacts.upload_artifact(
        artifact_store=optuna.artifacts.FileSystemArtifactStore(place),
        file_path=str(hostile), study_or_trial=study, mimetype="image/svg+xml",
    )  # fmt: skip
    answer = page.goto(f"{site}/artifacts/1/{identifier}")
    assert answer.status == 200
    assert answer.headers["content-security-policy"].startswith("sandbox")
    page.wait_for_timeout(300)
    assert page.title() != "broken"


def test_nothing_of_a_hostile_study_runs(page: Any, complaints: list[str]) -> None:
    storage = InMemoryStorage()
    study = optuna.create_study(study_name=SCRIPT, storage=storage, direction="maximize")
    study.set_metric_names([SCRIPT])
    for name in ("optunas.command", "optunas.pictures", "optunas.publisher"):
        study.set_user_attr(name, SCRIPT)
    names = ("space", "data", "choices", "recipe", "limits", "strategy")
    study.set_user_attr("optunas.fingerprint", {**dict.fromkeys(names, SCRIPT), SCRIPT: SCRIPT})
    attributes = (
        "reason",
        "role",
        "device",
        "outcome",
        "architecture",
        "recipe",
        "engine",
        "worker",
    )
    for _ in range(8):
        trial = study.ask()
        trial.suggest_categorical(SCRIPT, (SCRIPT, "x"))
        for name in attributes:
            trial.set_user_attr(name, SCRIPT)
        for name in ("params", "macs", "accuracy"):
            trial.set_user_attr(name, trial.number + 0.5)
        save_note(trial, trial_note(study.trials[trial.number]))
        study.tell(trial, trial.number / 10)
    Publisher().close(study)
    with served(storage) as site:
        for route in ("", "/trials?numbers=3", "/note", "/analytics"):
            settled(page, f"{site}/dashboard/studies/0{route}")
            assert page.evaluate("window.broken") is None, route
            assert page.locator("a[href^='javascript']").count() == 0
            assert page.locator("img[src='x']").count() == 0


KINDS: dict[str, Callable[[BaseStorage], optuna.Study]] = {
    "no trial": lambda storage: optuna.create_study(storage=storage),
    "one trial": lambda storage: made_up(1, storage=storage),
    "only failed": lambda storage: alike(storage, TrialState.FAIL),
    "only pruned": lambda storage: alike(storage, TrialState.PRUNED),
    "several objectives": lambda storage: several(storage),
}


def alike(storage: BaseStorage, state: TrialState) -> optuna.Study:
    study = optuna.create_study(storage=storage)
    study.add_trials([create_trial(state=state)] * 4)
    return study


def several(storage: BaseStorage) -> optuna.Study:
    study = optuna.create_study(storage=storage, directions=["maximize", "minimize"])
    study.set_metric_names(["accuracy", "params"])
    for i in range(6):
        known = {"accuracy": i / 10, "params": i * 100, "outcome": "trained"}
        params = {"width": i}  # optuna-dashboard can't say what matters where nothing is chosen
        study.add_trial(
            create_trial(
                values=[i / 10, i * 100],
                user_attrs=known,
                params=params,
                distributions={"width": IntDistribution(0, 9)},
            )
        )
    return study


@pytest.mark.parametrize("kind", KINDS)
def test_any_study_has_a_sensible_page(
    kind: str, page: Any, complaints: list[str], screenshot: Callable[..., Path]
) -> None:
    storage = InMemoryStorage()
    Publisher().close(KINDS[kind](storage))
    with served(storage) as site:
        settled(page, f"{site}/dashboard/studies/0")
        for name in PLOTS:
            title = page.locator(f"[id='user-defined-plot:optunas.{name}'] .gtitle")
            assert len(seen(title).text_content()) > 20, name
        screenshot(page, f"dashboard-{kind.replace(' ', '-')}")
        settled(page, f"{site}/dashboard/studies/0/note")
        if kind in ("one trial", "several objectives"):
            seen(page.get_by_text("Best so far: trial"))
        else:
            seen(page.get_by_text("No network has been trained to its end yet."))
    assert real(complaints) == []


def test_a_search_by_the_command_is_shown_while_it_runs(
    page: Any, complaints: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `optunas run` writes is found by the dashboard of the same storage."""
    from optunas.storage import open_storage
    from optunas.worker import Noted

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPTUNAS_PAGES", "yes")
    (tmp_path / "few.py").write_text(STUDY_FILE)
    opened = open_storage("sqlite:///optunas.db")
    search = search_for("few.py", {"trials": 2, "storage": opened})
    search.run(search.study(lambda line: None), Noted(lambda line: None))
    with served(opened.inner) as site:
        settled(page, f"{site}/dashboard/studies/1/trials?numbers=1")
        seen(page.locator("img[alt='1 network.svg']"))
        settled(page, f"{site}/dashboard/studies/1/note")
        seen(page.get_by_text("2 done"))
    assert real(complaints) == []
