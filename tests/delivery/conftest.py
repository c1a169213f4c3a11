"""For tests of what is delivered: a delivery without the files that take the most time."""

from pathlib import Path

import pytest
from safetensors.torch import save_file
from torch import nn

from optunas.delivery import winner as delivering


@pytest.fixture
def weights_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the network nothing is written but its weights: programs and ONNX files take seconds to
    write and to check. Those tests that look at such files do without this fixture."""

    def export(network: nn.Module, data: object, folder: Path, *_: object) -> list[object]:
        state = {name: value.contiguous() for name, value in network.cpu().state_dict().items()}
        save_file(state, folder / "weights.safetensors")
        return []

    monkeypatch.setattr(delivering, "export", export)
