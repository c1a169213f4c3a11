"""The templates, and what fills them: Jinja, with everything escaped."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def environment() -> Environment:
    """Everything that is put into a template is escaped, and what is missing is an error."""
    return Environment(
        loader=PackageLoader("optunas.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def asset(name: str) -> str:
    """A file of this folder, as it stands in the page."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8").strip()
