"""What went wrong, in one line: memory is known whoever asked for it."""

import numpy as np
import pytest
import torch

from optunas.objective.failure import LENGTH, reason
from optunas.training import Diverged


def raised(error: type[BaseException], what: object) -> BaseException:
    with pytest.raises(error) as caught:
        what()  # type: ignore[operator]
    return caught.value


@pytest.mark.parametrize(
    "greedy",
    [lambda: torch.empty(2**55), lambda: np.empty(2**55), lambda: bytearray(2**55)],
)
def test_memory_that_is_not_there(greedy: object) -> None:
    assert reason(raised(Exception, greedy), "cpu").startswith("out of memory on cpu: take a small")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be ..."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_memory_as_libraries_say_it(error: Exception) -> None:
    assert reason(error, "cuda:0").startswith("out of memory on cuda:0: ")


def test_anything_else_is_said_as_it_is() -> None:
    assert reason(RuntimeError("a\nb"), "cpu") == "RuntimeError: a b"
    assert reason(Diverged(2, float("nan"), "training"), "cpu").startswith("training diverged")
    assert len(reason(ValueError("x" * 9999), "cpu")) == LENGTH
