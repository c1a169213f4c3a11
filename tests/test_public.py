"""The public face: what `__all__` says is there, sorted, documented, and nothing else."""

import importlib
import inspect
import pkgutil

import pytest

import optunas

FACES = ["optunas"] + [
    f"optunas.{module.name}" for module in pkgutil.iter_modules(optunas.__path__) if module.ispkg
]


@pytest.mark.parametrize("name", FACES)
def test_all_is_sorted_and_true(name: str):
    face = importlib.import_module(name)
    assert face.__all__ == sorted(face.__all__, key=_ruff_order)
    assert len(set(face.__all__)) == len(face.__all__)
    for public in face.__all__:
        assert getattr(face, public) is not None


@pytest.mark.parametrize("name", FACES)
def test_what_is_public_is_documented(name: str):
    face = importlib.import_module(name)
    assert face.__doc__
    for public in face.__all__:
        thing = getattr(face, public)
        if inspect.isclass(thing) or inspect.isroutine(thing):
            assert thing.__doc__, f"{name}.{public} has no docstring"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        optunas.nothing  # noqa: B018


def test_version_is_that_of_the_installed_package():
    assert importlib.metadata.version("optunas") == optunas.__version__


def _ruff_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as ruff sorts `__all__`."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name
