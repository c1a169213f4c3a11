"""Colours, for a light and a dark background; the tests hold their contrast."""

from __future__ import annotations

from typing import NamedTuple

from optunas.architecture.picture.text import BOLD, SIZES


class Theme(NamedTuple):
    """Colours by role; `fills`, `edges`: of boxes by the kind of operation."""

    back: str
    ink: str
    muted: str
    accent: str
    wire: str
    frame: str
    params: str
    macs: str
    fills: dict[str, str]
    edges: dict[str, str]


LIGHT = Theme(
    back="#ffffff",
    ink="#15191f",
    muted="#454e5b",
    accent="#9a2f0c",
    wire="#6b7480",
    frame="#f5f7f9",
    params="#1d5fd0",
    macs="#c2410c",
    fills={
        "conv": "#dceafd", "pool": "#fcecc9", "linear": "#eadffb", "attention": "#fde0ea",
        "recurrent": "#d2f1f0", "plain": "#e9edf1", "block": "#d9f2e2",
    },
    edges={
        "conv": "#5b93e6", "pool": "#c98f14", "linear": "#9468dc", "attention": "#d9578b",
        "recurrent": "#1f9a97", "plain": "#98a3b0", "block": "#3a9e67",
    },
)  # fmt: skip

DARK = Theme(
    back="#12161c",
    ink="#eef2f6",
    muted="#bcc6d1",
    accent="#ffb38a",
    wire="#8b96a3",
    frame="#1a2028",
    params="#7fb2ff",
    macs="#ff9a5c",
    fills={
        "conv": "#1b3557", "pool": "#473607", "linear": "#38275c", "attention": "#511c35",
        "recurrent": "#0d413f", "plain": "#2a323c", "block": "#163f29",
    },
    edges={
        "conv": "#5b93e6", "pool": "#c98f14", "linear": "#a581ea", "attention": "#e06c9b",
        "recurrent": "#2fb3af", "plain": "#76828f", "block": "#46b277",
    },
)  # fmt: skip


ROLES = {
    "title": "ink", "shape": "ink", "note": "ink", "join": "ink", "times": "accent",
    "words": "muted", "number": "muted",
}  # fmt: skip
"""The colour of a text by its role."""


def style() -> str:
    """CSS: how texts look, and the dark theme's colours.

    The light ones of what is drawn stand in the elements themselves; without CSS all is readable,
    only plainer. Paper is light.
    """
    texts = "".join(map(_text, ROLES)) + _fills(LIGHT)
    return f"{texts}@media screen and (prefers-color-scheme:dark){{{_dark(DARK)}{_fills(DARK)}}}"


def _text(role: str) -> str:
    weight = "font-weight:600" if role in BOLD else "font-weight:400"
    return _rule(role, f"font-size:{SIZES[role]}px;{weight}")


def _fills(theme: Theme) -> str:
    return "".join(_rule(role, f"fill:{getattr(theme, name)}") for role, name in ROLES.items())


def _dark(theme: Theme) -> str:
    rules = {
        "back": f"fill:{theme.back}",
        "wire": f"stroke:{theme.wire}",
        "head": f"fill:{theme.wire}",
        "frame": f"fill:{theme.frame};stroke:{theme.wire}",
        "joint": f"fill:{theme.back};stroke:{theme.wire}",
        "params": f"fill:{theme.params}",
        "macs": f"fill:{theme.macs}",
        **{k: f"fill:{theme.fills[k]};stroke:{theme.edges[k]}" for k in theme.fills},
    }
    return "".join(_rule(name, rule) for name, rule in rules.items())


def _rule(name: str, rule: str) -> str:
    return f".optunas-diagram .{name}{{{rule}}}"
