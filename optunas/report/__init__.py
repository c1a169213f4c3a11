"""What a person sees of a search: notes and pictures in optuna-dashboard, a report in one file.

Reading a stored study needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optunas.report.html import compare as compare
    from optunas.report.html import page as page
    from optunas.report.html import write as write
    from optunas.report.publisher import Publisher as Publisher

_HOME = {"Publisher": "publisher", "compare": "html", "page": "html", "write": "html"}

__all__ = ["Publisher", "compare", "page", "write"]


def __getattr__(name: str) -> Any:
    """Fetch a name when it is first asked for (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'optunas.report' has no attribute {name!r}")
    return getattr(import_module(f"optunas.report.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
