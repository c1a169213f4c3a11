"""Which number format a network is computed in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from optunas.training import precision
from optunas.training.precision import autocast, bf16_gain, prefers_bf16

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("OPTUNAS_CACHE", str(tmp_path))
    prefers_bf16.cache_clear()
    yield
    prefers_bf16.cache_clear()


def told(monkeypatch: pytest.MonkeyPatch, flags: set[str], gain: float) -> list[float]:
    measured: list[float] = []

    def measure() -> float:
        measured.append(gain)
        return gain

    monkeypatch.setattr(precision, "_cpu_flags", lambda: flags)
    monkeypatch.setattr(precision, "bf16_gain", measure)
    return measured


def test_a_cpu_without_matrix_tiles_stays_with_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = told(monkeypatch, {"avx2", "avx512_bf16"}, gain=3.0)
    assert not prefers_bf16("cpu")
    assert measured == []


@pytest.mark.parametrize(("gain", "chosen"), [(1.1, False), (1.9, True)])
def test_one_that_has_them_is_measured_once_and_remembered(
    monkeypatch: pytest.MonkeyPatch, gain: float, chosen: bool
) -> None:
    measured = told(monkeypatch, {"amx_bf16"}, gain)
    assert prefers_bf16("cpu") is chosen
    prefers_bf16.cache_clear()  # another process
    assert prefers_bf16("cpu") is chosen
    assert measured == [gain]


def test_a_damaged_memory_is_measured_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured = told(monkeypatch, {"amx_bf16"}, gain=2.0)
    prefers_bf16("cpu")
    (file,) = tmp_path.iterdir()
    for damage in ("", "{}", "nonsense", "[1"):
        file.write_text(damage)
        prefers_bf16.cache_clear()
        assert prefers_bf16("cpu")
    assert len(measured) == 5


def test_a_gpu_uses_it_where_it_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for has in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, h=has: h)
        prefers_bf16.cache_clear()
        assert prefers_bf16("cuda") is has
    assert not prefers_bf16("mps")


def test_what_a_recipe_says_outright_is_done() -> None:
    for named, kind in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        with autocast(CPU, named):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is kind


def test_the_gain_is_a_ratio_of_real_times_and_draws_nothing() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    assert 0.005 < bf16_gain(repeats=1) < 50
    assert torch.equal(torch.get_rng_state(), state)
