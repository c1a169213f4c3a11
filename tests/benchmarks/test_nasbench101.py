"""NAS-Bench-101: its TFRecord file in small, and tables of it."""

import base64
import gzip
import json
import pickle
import struct

import optuna
import pytest
from optuna.trial import TrialState

from optunas.benchmarks import nasbench101
from optunas.benchmarks.tfrecord import fields, records
from optunas.errors import OptunasError
from optunas.spaces import ModelSpec, NASBench101

CONV3, CONV1, POOL = "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"
CHAIN = ModelSpec(((0, 1, 0), (0, 0, 1), (0, 0, 0)), ("input", CONV3, "output"))
DIAMOND = ModelSpec(
    ((0, 1, 1, 0), (0, 0, 0, 1), (0, 0, 0, 1), (0, 0, 0, 0)), ("input", CONV1, POOL, "output")
)
TURNED = ModelSpec(DIAMOND.matrix, ("input", POOL, CONV1, "output"))
"""The same module as DIAMOND, its vertices in another order."""


def varint(number):
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(high) if high else bytes([low])


def double(field, value):
    return varint(field << 3 | 1) + struct.pack("<d", value)


def with_length(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def metrics(params, *evaluations):
    """A `ModelMetrics` message; an evaluation is (epoch, seconds, train, validation, test)."""
    parts = []
    for evaluation in evaluations:
        part = b"".join(double(n, value) for n, value in enumerate(evaluation, start=1))
        parts.append(with_length(1, part + with_length(6, b"model.ckpt-1")))
    total = double(3, 5000.0)
    return b"".join(parts) + varint(2 << 3) + varint(params) + total


def row(spec, epochs, accuracy, name=None):
    adjacency = "".join(str(edge) for line in spec.matrix for edge in line)
    message = metrics(
        8_555_530,
        (0.0, 0.0, 0.1, 0.1, 0.1),
        (epochs / 2, 5.0 * epochs, 0.6, accuracy - 0.2, accuracy - 0.3),
        (float(epochs), 10.0 * epochs, 0.99, accuracy, accuracy - 0.1),
    )
    name = name or spec.fingerprint()
    return [name, epochs, adjacency, ",".join(spec.ops), base64.b64encode(message).decode()]


def tfrecord(rows):
    """As TensorFlow writes it, but for the checksums, which nobody reads."""
    texts = [json.dumps(row).encode() for row in rows]
    return b"".join(struct.pack("<QI", len(t), 1) + t + struct.pack("<I", 2) for t in texts)


FULL = [
    row(spec, epochs, base + epochs / 1000 + repeat / 100)
    for spec, base in ((CHAIN, 0.7), (DIAMOND, 0.8))
    for epochs in (4, 12, 36, 108)
    for repeat in (0, 1, 2)
]
ONLY108 = [r for r in FULL if r[1] == 108]


@pytest.fixture
def file(tmp_path):
    def write(content, name="nasbench_full.tfrecord"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else tfrecord(content))
        return path

    return write


def chosen(benchmark, spec, **settings):
    study = optuna.create_study(directions=benchmark.directions, **settings)
    study.enqueue_trial(benchmark.space.params(spec))
    study.optimize(benchmark, n_trials=1)
    return study.trials[0]


def test_a_module_is_looked_up_by_its_graph(file):
    benchmark = nasbench101(file(FULL), "val108")
    assert isinstance(benchmark.space, NASBench101)
    assert len(benchmark.table) == 2
    assert chosen(benchmark, CHAIN).value == pytest.approx(0.7 + 0.108 + 0.01)  # mean of three
    assert chosen(benchmark, DIAMOND).value == chosen(benchmark, TURNED).value
    assert benchmark.best() == chosen(benchmark, TURNED).value


def test_every_number_of_a_module(file):
    benchmark = nasbench101(file(FULL))
    known = benchmark.row(benchmark.space.params(CHAIN))
    assert known["params"] == 8_555_530
    assert known["seconds36"] == 360
    assert known["train12"] == pytest.approx(0.99)
    assert known["test108"] == pytest.approx(known["val108"] - 0.1)
    assert known["val108@54"] == pytest.approx(known["val108"] - 0.2)
    assert benchmark.seconds == "seconds108"
    assert len(known) == 1 + 4 * 2 * 4


def test_a_module_that_the_table_lacks(file):
    other = ModelSpec(CHAIN.matrix, ("input", POOL, "output"))
    trial = chosen(nasbench101(file(FULL)), other)
    assert trial.state is TrialState.PRUNED
    assert trial.user_attrs["reason"] == f"the table has no row for {other.fingerprint()!r}"


def test_shorter_trainings_are_reported_where_asked(file):
    assert chosen(nasbench101(file(FULL), "val108"), CHAIN).intermediate_values == {}
    trial = chosen(nasbench101(file(FULL), "val108", curve=True), CHAIN)
    assert trial.intermediate_values == pytest.approx(
        {4: 0.714, 12: 0.722, 36: 0.746, 108: trial.value}
    )
    half = nasbench101(file(ONLY108, "nasbench_only108.tfrecord"), "val108", curve=True)
    reported = chosen(half, CHAIN).intermediate_values
    assert reported == pytest.approx({54: trial.value - 0.2, 108: trial.value})


def test_it_is_written_as_a_table_and_read_again(file, tmp_path):
    benchmark = nasbench101(file(FULL), "val108", curve=True)
    path = tmp_path / "nasbench101.csv.xz"
    benchmark.table.to_csv(path, "module_hash")
    again = nasbench101(path, "val108", curve=True)
    assert again.table.rows == benchmark.table.rows
    assert (again.table.numbers == benchmark.table.numbers).all()
    assert again.curve == benchmark.curve == {4: "val4", 12: "val12", 36: "val36"}


@pytest.mark.parametrize("nested", [True, False])
def test_a_table_in_json(file, nested):
    rows = [
        {
            "adjacency": spec.matrix if nested else "".join(str(e) for r in spec.matrix for e in r),
            "operations": spec.ops if nested else ",".join(spec.ops),
            "val108": accuracy,
        }
        for spec, accuracy in ((CHAIN, 0.9), (DIAMOND, 0.94))
    ]
    benchmark = nasbench101(file(json.dumps(rows).encode(), "table.json"), "val108")
    assert chosen(benchmark, TURNED).value == 0.94


def test_a_table_in_csv_and_compressed(file):
    text = f'adjacency,operations,val108\n010001000,"input,{CONV3},output",0.9\n'
    packed = file(gzip.compress(text.encode()), "table.csv.gz")
    assert chosen(nasbench101(packed, "val108"), CHAIN).value == 0.9
    assert len(nasbench101(file(gzip.compress(tfrecord(FULL)), "n.tfrecord.gz")).table) == 2


def test_a_benchmark_is_pickled(file):
    benchmark = pickle.loads(pickle.dumps(nasbench101(file(FULL))))
    assert chosen(benchmark, CHAIN).value == pytest.approx(0.718)


def test_the_wire_format():
    """Examples of protobuf.dev/programming-guides/encoding, and of every kind of field."""
    assert list(fields(bytes.fromhex("089601"))) == [(1, 150)]
    assert list(fields(bytes.fromhex("120774657374696e67"))) == [(2, b"testing")]
    assert list(fields(double(3, 0.1) + struct.pack("<Bf", 4 << 3 | 5, 0.5))) == [
        (3, 0.1),
        (4, 0.5),
    ]
    assert list(fields(varint(300 << 3) + varint(2**40))) == [(300, 2**40)]
    assert list(fields(b"")) == []


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"\x08", "ends within a field"),
        (b"\x09\x00\x00", "ends within a field"),
        (b"\x12\x07test", "ends within a field"),
        (b"\x0b", "kinds 0, 1, 2 and 5; got 3"),
        (b"\x08" + b"\xff" * 11, "at most ten bytes"),
    ],
)
def test_what_is_no_message(message, said):
    with pytest.raises(OptunasError, match=said):
        list(fields(message))


def test_a_file_that_was_cut_off(file):
    whole = tfrecord(FULL)
    assert len(list(records(file(whole)))) == len(FULL)
    for end in (3, len(whole) - 1, len(whole) // 2):
        with pytest.raises(OptunasError, match="ends within its record"):
            nasbench101(file(whole[:end]))


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "a.tfrecord", "at least one row"),
        ([["a", 1]], "a.tfrecord", "record 1 is none of NAS-Bench-101"),
        ([[*FULL[0][:4], "AAAA"]], "a.tfrecord", "record 1 is none of NAS-Bench-101"),
        ([row(CHAIN, 108, 0.9, name="0" * 32)], "a.tfrecord", "'0+' is not the one of its module"),
        (b"{}", "a.json", "a list of objects; 'a.json' holds something else"),
        (b"[1]", "a.json", "a list of objects; 'a.json' holds something else"),
        (b"[]", "a.json", "no column is called 'adjacency'"),
        (b"\x04\0\0\0\0\0\0\0\0\0\0\0none\0\0\0\0", "a.tfrecord", "record 1 is none of NAS-"),
        (b"adjacency,operations,val108\n01020,input,1\n", "a.csv", "0 and 1, .*; got '01020'"),
        (b"[{", "a.json", "'a.json' can't be read as JSON"),
        (b"val108\n1\n", "a.csv", "no column is called 'adjacency'"),
        (b"adjacency,operations,val108\n0101,input,1\n", "a.csv", "a module has a square matrix"),
        (ONLY108, "a.tfrecord", "no column is called 'test36'. Did you mean"),
    ],
)
def test_files_of_something_else(file, content, name, message):
    with pytest.raises(OptunasError, match=message):
        nasbench101(file(content, name), "test36")


def test_two_objectives(file):
    benchmark = nasbench101(file(FULL), ("val108", "params"), ("maximize", "minimize"), curve=True)
    assert chosen(benchmark, CHAIN).values == pytest.approx([0.818, 8_555_530])
