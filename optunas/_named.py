"""Strategies by name, with arguments where wanted: ``"tpe"``, ``"percentile(percentile=25)"``.

The text is parsed, never run: arguments are keywords with literal values (numbers, texts, lists);
a text that is one word needs no quotes, which a shell would ask for twice.
A table maps each name to a function; its keyword-only parameters are the arguments that a person
may write, so the table is also the documentation that the error messages quote.
"""

import ast
import difflib
import inspect
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from optunas.errors import StudyError

T = TypeVar("T")

_CALL = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?:\((.*)\))?\s*", re.DOTALL)


def parse_named(kind: str, text: str) -> tuple[str, dict[str, Any]]:
    """``"name(key=value, ...)"`` -> name in lower case with hyphens, and its arguments.

    Raises StudyError where the text is something else; ``kind`` ("sampler") goes into the message.
    """
    match = _CALL.fullmatch(text)
    if match is None:
        raise _malformed(kind, text)
    name = match[1].lower().replace("_", "-")
    return name, _arguments(kind, text, match[2] or "")


def _arguments(kind: str, text: str, inside: str) -> dict[str, Any]:
    try:
        call = ast.parse(f"f({inside})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError
        pairs = [(keyword.arg, _literal(keyword.value)) for keyword in call.keywords]
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise _malformed(kind, text) from None
    arguments = {key: value for key, value in pairs if key is not None}
    if len(arguments) < len(pairs):  # a **mapping, which has no name, or a name twice
        raise _malformed(kind, text)
    return arguments


def _literal(value: ast.expr) -> Any:
    return value.id if isinstance(value, ast.Name) else ast.literal_eval(value)


def _malformed(kind: str, text: str) -> StudyError:
    return StudyError(
        f"a {kind} is written as name or name(key=value, ...) with plain values; got {text!r}"
    )


def call_named(
    kind: str,
    text: str,
    table: Mapping[str, Callable[..., T]],
    aliases: Mapping[str, str],
    given: Mapping[str, Any],
) -> T:
    """The thing that ``text`` names: its function in the table, called with what it takes of
    ``given`` and with the arguments in the text, which come last and win.

    Raises StudyError for an unknown name (with the closest one) or argument (with the accepted).
    """
    name, arguments = parse_named(kind, text)
    name = aliases.get(name, name)
    if name not in table:
        raise StudyError(unknown(kind, name, sorted(table)))
    parameters = inspect.signature(table[name]).parameters.values()
    accepted = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    wrong = [key for key in arguments if key not in accepted]
    if wrong:
        raise StudyError(
            f"{kind} {name!r} takes {', '.join(accepted) or 'no arguments'}; got {wrong[0]!r}"
        )
    _check_types(kind, name, table[name], arguments)
    taken = {p.name: given[p.name] for p in parameters if p.name in given}
    try:
        return table[name](**(taken | arguments))
    except (TypeError, ValueError) as error:
        message = str(error) if isinstance(error, StudyError) else f"{kind} {text!r}: {error}"
        raise StudyError(message) from None


def _check_types(
    kind: str, name: str, function: Callable[..., Any], arguments: Mapping[str, Any]
) -> None:
    hints = typing.get_type_hints(function)
    for key, value in arguments.items():
        hint = hints[key] | int if isinstance(1.0, hints[key]) else hints[key]
        if isinstance(value, bool) or not isinstance(value, hint):
            wanted = inspect.formatannotation(hints[key])
            raise StudyError(f"{kind} {name!r}: {key} is of type {wanted}; got {value!r}")


def unknown(kind: str, name: str, names: list[str]) -> str:
    """One line: the name that isn't there, the closest that is, and all of them."""
    close = difflib.get_close_matches(name, names, n=1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    shown = ", ".join(names[:20]) + (f", and {len(names) - 20} more" if len(names) > 20 else "")
    return f"no {kind} is called {name!r}.{guess} There are: {shown or 'none'}"
