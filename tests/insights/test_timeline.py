"""Who ran what: read back from the trials as they were made."""

import datetime

import optuna
import pytest

from optunas.insights import timeline

from .made import a_search, a_trial, after, study_of


def signed(number: int, host: object, pid: object, **more: object):
    return a_trial(number, attributes={"worker": {"host": host, "pid": pid, **more}})


def test_every_started_trial_is_a_span_in_order_of_time():
    study = a_search(60)
    spans = timeline(study)
    frame = study.trials_dataframe(attrs=("number", "datetime_start", "datetime_complete"))
    frame = frame.sort_values(["datetime_start", "number"])
    assert [span.trial for span in spans] == list(frame["number"])
    assert [span.start for span in spans] == list(frame["datetime_start"])
    taken = (frame["datetime_complete"] - frame["datetime_start"]).dt.total_seconds()
    assert [span.seconds for span in spans] == pytest.approx(list(taken))
    hosts = {trial.number: trial.user_attrs["worker"] for trial in study.trials}
    assert all(s.worker == f"{hosts[s.trial]['host']}:{hosts[s.trial]['pid']}" for s in spans)


def test_a_running_trial_has_no_end():
    trial = optuna.create_trial(state=optuna.trial.TrialState.RUNNING)
    trial.datetime_start = after(3)
    (span,) = timeline(study_of([trial]))
    assert (span.outcome, span.end, span.seconds) == ("running", None, None)


def test_a_waiting_trial_is_none():
    study = study_of([])
    study.enqueue_trial({"x": 1})
    assert timeline(study) == ()


@pytest.mark.parametrize(
    "worker",
    [
        None,
        "x",
        [],
        {},
        {"host": "", "pid": 3},
        {"host": "a", "pid": "3"},
        {"host": [], "pid": None},
    ],
)
def test_an_unreadable_signature_is_unknown(worker: object):
    (span,) = timeline(study_of([a_trial(0, attributes={"worker": worker})]))
    assert span.worker == "unknown"


def test_the_signature_of_the_trial_that_this_one_repeats_does_not_count():
    (span,) = timeline(study_of([signed(0, "gpu", 7, trial=99)]))
    assert span.worker == "unknown"


def test_a_host_of_anybodys_is_one_short_line():
    (span,) = timeline(study_of([signed(0, "x\x1b\n" * 100, 7)]))
    assert len(span.worker) < 80
    assert span.worker.isprintable()


def test_an_end_before_the_start_takes_no_time():
    trial = a_trial(0, start=10)
    trial.datetime_complete = after(10) - datetime.timedelta(seconds=5)
    (span,) = timeline(study_of([trial]))
    assert span.seconds == 0.0
