"""CUDA's switches are set for a while and put back. They exist without a GPU, too."""

from typing import Any

import pytest
import torch

from optunas.training.kernels import chosen_kernels

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def switches() -> tuple[Any, ...]:
    return (
        torch.backends.cudnn.deterministic,
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.get_float32_matmul_precision(),
    )


def test_on_a_gpu_tf32_is_allowed_and_nothing_more() -> None:
    before = switches()
    with chosen_kernels(GPU, deterministic=False):
        assert switches() == (*before[:3], "high")
    assert switches() == before


def test_deterministic_kernels_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    before = switches()
    with chosen_kernels(GPU, deterministic=True):
        assert switches() == (True, True, True, "high")
    assert switches() == before
    with pytest.raises(ZeroDivisionError), chosen_kernels(GPU, deterministic=True):
        raise ZeroDivisionError
    assert switches() == before


def test_a_cpu_has_nothing_to_choose() -> None:
    before = switches()
    with chosen_kernels(CPU, deterministic=True):
        assert switches() == before
