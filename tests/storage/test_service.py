"""The proxy that we serve: Optuna's contract, one message for all of a trial, shared readings."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.testing.pytest_storages import StorageTestCase
from optuna.trial import FrozenTrial, TrialState

from optunas.attributes import at_once
from optunas.storage import open_storage
from optunas.storage.quick import QuickStorage
from optunas.storage.sheaf import Sheaf

from ..served import free_port
from .emptied import emptied

grpc = pytest.importorskip("grpc")

from optunas.storage.proxy import SERVICE, WRITE, Proxy  # noqa: E402
from optunas.storage.service import Messages, Shared, make_server  # noqa: E402

LAWS = {
    "width": IntDistribution(8, 64, step=8),
    "op": CategoricalDistribution(("conv", "pool", None)),
    "lr": FloatDistribution(1e-4, 1.0, log=True),
}
SHEAF = Sheaf(
    params={"width": (16.0, LAWS["width"]), "op": (2.0, LAWS["op"]), "lr": (0.1, LAWS["lr"])},
    user={"z": "ü", "a": [1, {"b": None}]},
    system={"beat": 1.5},
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> QuickStorage:
    storage = open_storage(f"sqlite:///{tmp_path_factory.mktemp('served')}/studies.db").inner
    assert isinstance(storage, QuickStorage)
    return storage


@pytest.fixture(scope="module")
def port(database: QuickStorage) -> Iterator[int]:
    port = free_port()
    server = make_server(database, f"127.0.0.1:{port}", 4)
    server.start()
    yield port
    server.stop(None).wait()


@pytest.fixture
def proxy(port: int) -> Iterator[Proxy]:
    client = Proxy(host="127.0.0.1", port=port)
    yield client
    client.close()


@pytest.fixture
def trial_id(proxy: Proxy) -> int:
    study = proxy.create_new_study([StudyDirection.MAXIMIZE])
    return proxy.create_new_trial(study)


class TestContract(StorageTestCase):
    @pytest.fixture
    def storage(self, proxy: Proxy) -> Iterator[BaseStorage]:
        yield from emptied(proxy)

    @pytest.mark.parametrize("param_names", [["a", "b"], ["b", "a"]])
    def test_get_all_trials_params_order(
        self, storage: BaseStorage, param_names: list[str]
    ) -> None:
        """Parameters lose their order in Optuna's messages, which are maps; not their values."""
        study = storage.create_new_study([StudyDirection.MAXIMIZE])
        trial_id = storage.create_new_trial(study)
        for value, name in enumerate(param_names):
            storage.set_trial_param(trial_id, name, float(value), FloatDistribution(0, 2))
        (trial,) = storage.get_all_trials(study)
        assert trial.params == {param_names[0]: 0.0, param_names[1]: 1.0}


def check_written(trial: FrozenTrial) -> None:
    assert list(trial.params.items()) == [("width", 16), ("op", None), ("lr", 0.1)]  # in order
    assert trial.distributions == LAWS
    assert trial.user_attrs == SHEAF.user
    assert trial.system_attrs == SHEAF.system


def test_all_of_a_trial_comes_in_one_message(
    proxy: Proxy, trial_id: int, database: QuickStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[int]] = []
    write = database.write

    def counted(trial_id: int, **given: Any) -> None:
        calls.append([len(part) for part in given.values()])
        write(trial_id, **given)

    monkeypatch.setattr(database, "write", counted)
    SHEAF.write(proxy, trial_id)
    assert calls == [[3, 2, 1]]
    check_written(database.get_trial(trial_id))


def test_optunas_own_proxy_gets_one_after_the_other(tmp_path: Path) -> None:
    from optuna.storages._grpc.server import make_server as optunas_server

    database = open_storage(f"sqlite:///{tmp_path}/studies.db").inner
    port = free_port()
    server = optunas_server(database, "127.0.0.1", port)
    server.start()
    client = Proxy(host="127.0.0.1", port=port)
    try:
        study = client.create_new_study([StudyDirection.MAXIMIZE])
        for _ in range(2):
            trial_id = client.create_new_trial(study)
            SHEAF.write(client, trial_id)
            check_written(database.get_trial(trial_id))
        with pytest.raises(NotImplementedError):
            client.write(SHEAF.packed(trial_id))
    finally:
        client.close()
        server.stop(None).wait()


def test_much_is_known_of_a_trial(proxy: Proxy, trial_id: int) -> None:
    long = "x" * 3_000_000
    Sheaf(user={"one": long, "two": long}).write(proxy, trial_id)
    assert proxy.get_trial(trial_id).user_attrs == {"one": long, "two": long}


def test_what_can_not_be_written_is_told_as_by_a_database(proxy: Proxy, trial_id: int) -> None:
    with pytest.raises(KeyError):
        SHEAF.write(proxy, 10**6)
    SHEAF.write(proxy, trial_id)
    other = Sheaf(params={"width": (0.5, FloatDistribution(0, 1))}, user={"never": 1})
    with pytest.raises(ValueError, match="distribution kind"):
        other.write(proxy, trial_id)
    assert "never" not in proxy.get_trial(trial_id).user_attrs
    proxy.set_trial_state_values(trial_id, TrialState.COMPLETE, [1.0])
    with pytest.raises(UpdateFinishedTrialError):
        SHEAF.write(proxy, trial_id)


@pytest.mark.parametrize(
    "message",
    [
        b"", b"\xff", b"[]", b"null", b"[1, 2, 3, 4]", b'["x", [], {}, {}]', b"[1, [[1]], {}, {}]",
        b'[1, [["x", 1.0, "{}"]], {}, {}]', b'[1, [["x", 1.0, "__import__(\'os\')"]], {}, {}]',
        b"[" * 100_000,
    ],
    ids=lambda message: repr(message[:12]),
)  # fmt: skip
def test_a_message_of_another_kind_changes_nothing(
    port: int, proxy: Proxy, trial_id: int, message: bytes
) -> None:
    before = proxy.get_trial(trial_id)
    with (
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
        pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"),
    ):
        channel.unary_unary(f"/{SERVICE}/{WRITE}")(message, timeout=20)
    assert proxy.get_trial(trial_id) == before


def test_a_search_through_it_writes_what_it_would_write_without(
    port: int, tmp_path: Path, quiet: None
) -> None:
    def objective(trial: optuna.Trial) -> float:
        with at_once(trial):
            x = trial.suggest_float("x", 0, 1)
            trial.set_user_attr("seen", [x])
        trial.report(x, 1)
        return x

    found = []
    for url in (f"grpc://127.0.0.1:{port}", f"sqlite:///{tmp_path}/plain.db"):
        sampler = optuna.samplers.RandomSampler(seed=0)
        study = optuna.create_study(storage=open_storage(url), sampler=sampler, study_name="same")
        study.optimize(objective, n_trials=3)
        found.append(
            [
                (t.params, t.values, t.user_attrs["seen"], t.intermediate_values)
                for t in study.trials
            ]
        )
    assert found[0] == found[1]


@pytest.mark.parametrize("fails", [False, True])
def test_who_asks_while_one_reads_shares_the_next_reading(fails: bool) -> None:
    reading, go_on = threading.Semaphore(0), threading.Semaphore(0)
    numbers: list[int] = []

    def read() -> Any:
        numbers.append(len(numbers))
        number = numbers[-1]
        reading.release()
        assert go_on.acquire(timeout=20)
        if fails:
            raise ConnectionError(number)
        return number

    shared, found = Shared(read), []

    def ask() -> None:
        try:
            found.append(shared())
        except ConnectionError as error:
            found.append(error.args[0])

    threads = [threading.Thread(target=ask) for _ in range(6)]
    threads[0].start()
    assert reading.acquire(timeout=20)  # the first has begun to read, and the others come too late
    for thread in threads[1:]:
        thread.start()
    time.sleep(0.5)  # until all of them wait
    go_on.release(2)
    for thread in threads:
        thread.join(20)
    assert sorted(found) == [0, 1, 1, 1, 1, 1]
    go_on.release()
    found.clear()
    ask()
    assert found == [2]  # nobody takes what was read before he asked


def test_a_message_is_made_again_where_the_trial_has_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from optunas.storage import service

    made: list[int] = []
    convert = service._to_proto_trial
    monkeypatch.setattr(
        service, "_to_proto_trial", lambda trial: made.append(trial._trial_id) or convert(trial)
    )
    study = optuna.create_study()
    study.enqueue_trial({"x": 0.5})
    asked = study.ask()
    messages = Messages()
    for changed in (False, False, True, False):
        if changed:
            asked.report(0.5, 1)
        reply = service.api_pb2.GetTrialsReply()
        reply.MergeFromString(messages.of([study.get_trials()[0]] * 2))
        assert len(reply.trials) == 2
        assert dict(reply.trials[0].intermediate_values) == dict(
            study.trials[0].intermediate_values
        )
    assert made == [0, 0]


def test_a_deleted_study_is_forgotten_and_another_one_read_anew(proxy: Proxy) -> None:
    study = proxy.create_new_study([StudyDirection.MAXIMIZE])
    proxy.create_new_trial(study)
    assert len(proxy.get_all_trials(study)) == 1
    proxy.delete_study(study)
    with pytest.raises(KeyError):
        proxy.get_all_trials(study)
    other = proxy.create_new_study([StudyDirection.MAXIMIZE])
    assert proxy.get_all_trials(other) == []


def test_a_port_is_not_shared_with_another_proxy(port: int, database: QuickStorage) -> None:
    with pytest.raises(RuntimeError):
        make_server(database, f"127.0.0.1:{port}", 1)
