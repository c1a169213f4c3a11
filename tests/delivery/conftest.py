"""For tests of what is delivered: a delivery without the files that take the most time."""

import pytest

from optunas.delivery import export


@pytest.fixture
def weights_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs and ONNX files, which take seconds to write and to check, are left out as if they
    could not be written. Those tests that look at such files do without this fixture."""
    why = dict.fromkeys(export.NETWORKS, "not looked at")
    monkeypatch.setattr(export, "_written", lambda *_: why)
