"""Branches side by side between where they part and where they meet; many go into rows."""

from __future__ import annotations

from optunas.architecture.picture.shapes import Part, Placed, Wire, moved

SPLIT = 7
"""Px from the top to the line along which branches part."""
DROP = 15
"""Px from that line to a branch."""
MEET = 13
"""Px from the longest branch to the place where all meet."""
BUS = 14
"""Px beside the rows for the wires that lead to them and from them."""


def rows(parts: list[Part], budget: float, between: float) -> Part:
    """Wires from the port to each part and from each to the foot of the port, within `budget`."""
    if not parts:
        return Part(20, SPLIT + DROP, 10, (Wire(10, 0, ((0, 0), (0, SPLIT + DROP)), head=True),))
    lines = _filled(parts, budget, between)
    return _single(lines[0], between) if len(lines) == 1 else _several(lines, between)


def _filled(parts: list[Part], budget: float, between: float) -> list[list[Part]]:
    """Rows, each as full as the budget allows, of about equally many parts."""
    total = sum(part.width + between for part in parts) - between
    goal = budget if total <= budget else max(budget - 2 * BUS, 1)
    lines: list[list[Part]] = [[]]
    left = goal
    for part in parts:
        if lines[-1] and part.width > left:
            lines.append([])
            left = goal
        lines[-1].append(part)
        left -= part.width + between
    return lines


def _single(parts: list[Part], between: float) -> Part:
    xs, width = _across(parts, between)
    ports = [x + part.port for x, part in zip(xs, parts, strict=True)]
    port = _main(ports, width)
    top = SPLIT + DROP if len(parts) > 1 else DROP
    foot = top + max(part.height for part in parts) + MEET
    things: list[Placed] = []
    for x, at, part in zip(xs, ports, parts, strict=True):
        things.append(_wire(port, 0, ((port, SPLIT), (at, SPLIT), (at, top)), not part.open))
        things += moved(part.things, x, top)
        bottom, straight = top + part.height, at == port
        end = ((at, foot),) if straight else ((at, foot - 6), (port, foot - 6), (port, foot))
        things.append(_wire(at, bottom, end, straight or len(parts) > 1))
    return Part(width, foot, port, tuple(things), open=True)


def _several(lines: list[list[Part]], between: float) -> Part:
    """Rows below each other: the input comes down at the left, the outputs go down at the right."""
    across = [_across(line, between) for line in lines]
    width = max(w for _, w in across) + 2 * BUS
    left, right, port = 4.0, width - 4, width / 2
    things: list[Placed] = []
    y = float(SPLIT)
    for line, (xs, wide) in zip(lines, across, strict=True):
        shift, high = (width - wide) / 2, max(part.height for part in line)
        top, foot = y + DROP, y + DROP + high + 10
        for x, part in zip(xs, line, strict=True):
            at = shift + x + part.port
            way = ((port, SPLIT), (left, SPLIT), (left, y), (at, y), (at, top))
            things.append(_wire(port, 0, way, not part.open))
            things += moved(part.things, shift + x, top)
            things.append(_wire(at, top + part.height, ((at, foot), (right, foot)), False))
        y = foot + 12
    foot = y + 4
    last = y - 12
    first = SPLIT + DROP + max(part.height for part in lines[0]) + 10
    things.append(_wire(right, first, ((right, last + 6), (port, last + 6), (port, foot)), True))
    return Part(width, foot, port, tuple(things), open=True)


def _across(parts: list[Part], between: float) -> tuple[list[float], float]:
    xs, x = [], 0.0
    for part in parts:
        xs.append(x)
        x += part.width + between
    return xs, x - between


def _main(ports: list[float], width: float) -> float:
    """Where the wire comes in: the middle, or the branch that is nearly there."""
    nearest = min(ports, key=lambda port: abs(port - width / 2))
    return nearest if abs(nearest - width / 2) < 12 or len(ports) == 1 else width / 2


def _wire(x: float, y: float, points: tuple[tuple[float, float], ...], head: bool) -> Wire:
    """From (x, y) through points that are not relative."""
    return Wire(x, y, ((0, 0), *((px - x, py - y) for px, py in points)), head)
