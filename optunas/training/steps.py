"""How the steps of a training are run: one by one, compiled, or as a CUDA graph.

A step of a small network costs the host more (2 to 9 ms of launching kernels) than the GPU. A CUDA
graph records the launches of one step and repeats them by a single call. What can go wrong with
that (a network that asks for a value on the way, an operation that can't be recorded, no memory
for the recording) goes wrong before anything was computed, so that the same step is then run
eagerly, and so are all that follow.

Everything but the recording itself is the same code on a CPU, where the tests run it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

import torch
from torch import Tensor, nn

from optunas.data import cache_folder
from optunas.training.batches import Batch
from optunas.training.step import Step

WARM_UP = 3  # steps before a recording: kernels are chosen, the optimizer's state is made
FEW = 32  # in so few steps a recording does not pay


class Steps:
    """Runs a `Step` on batch after batch. `said` tells how: eager, captured, compiled in 9 s."""

    def __init__(self, step: Step, device: torch.device, how: str, total: int) -> None:
        """how: one of `engine.STEPS`. total: the steps that are still to come."""
        self._step, self._device = step, device
        self.said = "eager"
        self._compiling = how == "compiled"
        if self._compiling:
            step.forward = compiled(step.network)
        captures = how in ("captured", "compiled") or (how == "auto" and total >= FEW)
        self._capturing = captures and (device.type == "cuda" or how == "captured")
        self._stream = _stream(device)
        self._run = 0
        self._static: Batch | None = None
        self._replay: Callable[[], object] | None = None

    def __call__(self, batch: Batch) -> None:
        """One step."""
        if self._replay is None and self._capturing and self._run >= WARM_UP:
            self._capture(batch)
        if self._replay is None:
            self._eagerly(batch)
        else:
            assert self._static is not None
            for mine, given in zip(self._static, batch, strict=True):
                mine.copy_(given, non_blocking=True)
            self._replay()
        self._run += 1

    def _eagerly(self, batch: Batch) -> None:
        with _on(self._stream if self._capturing else None, self._device):
            if self._compiling and self._run == 0:
                self._compile(batch)
            else:
                self._step(*batch)

    def _compile(self, batch: Batch) -> None:
        """The first step of a compiled network, which compiles it; uncompiled where that fails."""
        start = perf_counter()
        try:
            self._step(*batch)
        except Exception as error:
            if not _is_of_the_compiler(error):
                raise
            self._step.forward = self._step.network
            self._step.optimizer.zero_grad(set_to_none=True)
            self._compiling, self.said = False, f"eager (not compiled: {_line(error)})"
            self._step(*batch)
            return
        self.said = f"compiled in {perf_counter() - start:.1f} s"

    def _capture(self, batch: Batch) -> None:
        self._static = Batch(*(given.clone() for given in batch))
        try:
            self._replay = recorded(self._step, self._static, self._device, self._stream)
            self.said = f"{self.said}, captured" if self._compiling else "captured"
        except Exception as error:  # the step itself will say what is wrong with a network
            self._step.optimizer.zero_grad(set_to_none=True)
            self._static, self._capturing = None, False
            self.said += f" (not captured: {_line(error)})"


def recorded(
    step: Step, batch: Batch, device: torch.device, stream: torch.cuda.Stream | None
) -> Callable[[], object]:
    """A function that repeats the step on the batch's memory; nothing is computed yet.

    On CUDA a graph: random numbers of dropout go on from the generator at each repetition. Other
    devices have no launches to save; there it is the step itself.
    """
    if device.type != "cuda":
        return lambda: step(*batch)
    graph, current = torch.cuda.CUDAGraph(), torch.cuda.current_stream(device)
    try:
        # Other threads (one that pins the memory of streamed batches) may allocate meanwhile.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            step(*batch)
    except Exception:
        _leave_recording(device, current)
        raise
    return graph.replay


def _leave_recording(device: torch.device, stream: torch.cuda.Stream) -> None:
    """After a recording that broke off, which torch does not leave in good order.

    The stream may still be the recorded one, and the generator believe that it is being recorded,
    so that the next dropout fails: it goes on with a copy of its state.
    """
    torch.cuda.set_stream(stream)
    index = torch.cuda.current_device() if device.index is None else device.index
    generator = torch.cuda.default_generators[index]
    generator.graphsafe_set_state(generator.clone_state())


def compiled(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """The network's forward pass by `torch.compile`; what it compiles is kept on disk.

    The caches below `cache_folder()` make an equal network's second compilation a matter of
    loading. Compiled code of earlier networks is dropped, since Dynamo gives up on a class of
    modules that it has compiled eight times.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder() / "inductor"))
    torch.compiler.reset()
    return torch.compile(network, dynamic=False)


def _stream(device: torch.device) -> torch.cuda.Stream | None:
    """A stream for the warm-up and the recording: the default one can't be recorded."""
    return torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]


@contextmanager
def _on(stream: torch.cuda.Stream | None, device: torch.device) -> Iterator[None]:
    """Run on another stream, after what was queued before and before what is queued next."""
    if stream is None:
        yield
        return
    current = torch.cuda.current_stream(device)
    stream.wait_stream(current)
    with torch.cuda.stream(stream):
        yield
    current.wait_stream(stream)


def _is_of_the_compiler(error: BaseException) -> bool:
    """Whether the compiler failed, and not what it compiled."""
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))


def _line(error: BaseException) -> str:
    """The first sentence of an error, fit for a trial's attribute."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.partition(". ")[0][:200]
