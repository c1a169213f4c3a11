"""How many bytes of tensors live at once, where no allocator keeps count: on a CPU."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within it, `peak` is the most bytes that the tensors made so far held at one moment.

    Every operation is looked at below autograd, so that the backward pass and the optimizer count
    as well. What views share counts once, and stops to count when the last of them is gone. Memory
    that a kernel takes and gives back before it returns is not seen.

    known: tensors from before that shall count.
    """

    def __init__(self, known: Iterable[Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._alive: set[int] = set()
        for tensor in known:
            self._note(tensor)

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run the operation; what it returns lives beside what it was given."""
        answer = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(answer):
            if isinstance(leaf, Tensor):
                self._note(leaf)
        return answer

    def _note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        name, size = id(storage), storage.nbytes()
        if name not in self._alive:
            self._alive.add(name)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._gone, name, size).atexit = False

    def _gone(self, name: int, size: int) -> None:
        self._alive.discard(name)
        self.now -= size
