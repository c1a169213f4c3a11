import subprocess
import sys

import pytest

from optunas.training import Engine, RecipeError


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"images": "disk"}, "auto, device, stream; got 'disk'"),
        ({"steps": "fast"}, "auto, eager, captured, compiled; got 'fast'"),
        ({"workers": -1}, "got -1"),
        ({"workers": 1.5}, "got 1.5"),
        ({"workers": True}, "got True"),
    ],
)
def test_what_an_engine_does_not_know_is_an_error(settings: dict[str, object], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        Engine(**settings)  # type: ignore[arg-type]


def test_it_is_made_without_torch() -> None:
    code = (
        "import sys; from optunas.training import Engine; Engine(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
