"""The canonical key: equal networks, equal key."""

from __future__ import annotations

from hashlib import blake2b

from optunas.architecture.layer import Layer, Shape
from optunas.architecture.normal import lower
from optunas.architecture.steps import token


def key(architecture: Layer, input_shape: Shape, classes: int | None = None) -> str:
    """32 hexadecimal digits, equal exactly when the networks that would be built are equal.

    Equal means: the same function with the same parameters, whatever the spelling. A block and the
    layers that it stands for, nested sequences, layers that do nothing, the order of a sum's terms
    make no difference; a number of channels, a kernel, the order of a concatenation do.
    """
    lowered = lower(architecture, input_shape, classes)
    text = f"{lowered.input}:{token(lowered.steps)}"
    return blake2b(text.encode(), digest_size=16).hexdigest()
