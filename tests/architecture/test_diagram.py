"""The picture: well-formed, complete, folded rightly, nothing over another, readable, safe."""

import itertools
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
import pytest

import optunas.references as references
from optunas import spaces
from optunas.architecture import (
    Activation,
    BasicBlock,
    Block,
    Conv,
    ConvNorm,
    Dropout,
    GlobalPool,
    Graph,
    Inception,
    Layer,
    Linear,
    MBConv,
    Node,
    Norm,
    Parallel,
    Pool,
    Primitive,
    Residual,
    SeparableConv,
    Sequential,
    SqueezeExcite,
)
from optunas.architecture.diagram import picture
from optunas.architecture.picture.fold import repeats
from optunas.architecture.picture.palette import DARK, LIGHT, ROLES
from optunas.architecture.picture.shapes import Border, Box, Join, Note, Wire
from optunas.architecture.picture.words import KINDS
from optunas.errors import OptunasError, ShapeError
from optunas.spaces.draw import draw

SVG = "{http://www.w3.org/2000/svg}"
IMAGE = (3, 32, 32)
PLAIN = Sequential(ConvNorm(16), Pool(), ConvNorm(32), GlobalPool(), Linear())


def parsed(svg: str) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    return root


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in parsed(svg).iter(f"{SVG}text")]


def things(layer: Layer, kind: type, shape=IMAGE, classes=10, detail=0) -> list:
    part, _ = picture(layer, shape, classes, detail)
    return [thing for thing in part.things if isinstance(thing, kind)]


def bounds(thing) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    if isinstance(thing, Join | Note):
        half = 9 if isinstance(thing, Join) else 11
        side = thing.width / 2
        return thing.x - side, thing.y - half, thing.x + side, thing.y + half
    return thing.x, thing.y, thing.x + thing.width, thing.y + thing.height


def overlap(a, b) -> bool:
    (l1, t1, r1, b1), (l2, t2, r2, b2) = bounds(a), bounds(b)
    return l1 < r2 and l2 < r1 and t1 < b2 and t2 < b1


def inside(a, b) -> bool:
    (l1, t1, r1, b1), (l2, t2, r2, b2) = bounds(a), bounds(b)
    return l1 >= l2 and t1 >= t2 and r1 <= r2 and b1 <= b2


def cell(width: int) -> Graph:
    """Three nodes and the output, as in a benchmark's cell, one edge over two nodes."""
    return Graph(
        Node((0, ConvNorm(width))),
        Node((0, ConvNorm(width, 1)), (1, Pool("avg", 3, 1, 1))),
        Node(0, (1, ConvNorm(width)), (2, ConvNorm(width, 1))),
    )


def two_inputs(width: int) -> Graph:
    return Graph(
        Node((0, ConvNorm(width, 1))),
        Node((1, ConvNorm(width, 1))),
        Node((2, SeparableConv(width)), (3, SeparableConv(width, 5))),
        Node(2, (4, ConvNorm(width))),
        Node(4, 5, join="concat"),
        inputs=2,
    )


MACRO = Graph(
    Node((0, ConvNorm(16))),
    Node(1, 1, then=two_inputs(8)),
    Node(1, 2, then=two_inputs(8)),
    Node(2, 3, then=two_inputs(16)),
)

STEM, WIDER = [Conv(8)], [Conv(16, 1), Pool()]
NETWORKS: dict[str, tuple[Layer, tuple[int, ...]]] = {
    "plain": (PLAIN, IMAGE),
    "empty": (Sequential(), IMAGE),
    "residual": (Residual(Sequential(ConvNorm(3), SqueezeExcite(2))), IMAGE),
    "projected": (Residual(ConvNorm(8, stride=2)), IMAGE),
    "dense": (Parallel(Sequential(), ConvNorm(8), join="concat"), IMAGE),
    "sums": (Parallel(Sequential(), Sequential(), Conv(3), Conv(3, 1)), IMAGE),
    "wide": (Parallel(*(ConvNorm(4 + n, 1) for n in range(40)), join="concat"), IMAGE),
    "nested": (Parallel(*(Inception(4 + 4 * n) for n in range(6)), join="concat"), IMAGE),
    "cell": (Sequential(ConvNorm(8), cell(8)), IMAGE),
    "cells": (Sequential(*STEM, cell(8), cell(8), *WIDER, cell(16), GlobalPool(), Linear()), IMAGE),
    "macro": (Sequential(MACRO, GlobalPool(), Linear()), IMAGE),
    "tokens": (references.reference("vit_b_16"), (3, 224, 224)),
    "long": (Sequential(*(Conv(4 + n % 97, 3 + 2 * (n % 5)) for n in range(300))), IMAGE),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("detail", [0, 1, 9])
def test_nothing_lies_over_another_and_nothing_is_cut_off(name: str, detail: int):
    layer, shape = NETWORKS[name]
    part, _ = picture(layer, shape, 10, detail)
    solid = [t for t in part.things if isinstance(t, Box | Join | Note)]
    frames = [t for t in part.things if isinstance(t, Border)]
    assert not [(a, b) for a, b in itertools.combinations(solid, 2) if overlap(a, b)]
    for frame in frames:
        for thing in solid + [other for other in frames if other is not frame]:
            assert inside(thing, frame) or inside(frame, thing) or not overlap(thing, frame)
    for thing in solid + frames:
        left, top, right, bottom = bounds(thing)
        assert left >= 0
        assert top >= 0
        assert right <= part.width
        assert bottom <= part.height


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("detail", [0, 9])
def test_no_wire_runs_through_a_box(name: str, detail: int):
    layer, shape = NETWORKS[name]
    assert not _struck(*(things(layer, kind, shape, detail=detail) for kind in (Wire, Box, Join)))


def test_no_wire_of_a_drawn_cell_runs_through_a_box():
    rng = np.random.default_rng(5)
    for space in (spaces.DARTS(), spaces.NASBench101(), spaces.NASBench201()):
        for _ in range(15):
            network = draw(space.suggest, rng).architecture
            assert not _struck(*(things(network, kind) for kind in (Wire, Box, Join)))


def _struck(wires: list[Wire], boxes: list[Box], joins: list[Join]) -> list:
    """Straight pieces of wires, and the room that a swing takes, over the inside of a box."""
    rooms = np.array([bounds(thing) for thing in boxes + joins]).reshape(-1, 4)
    found = []
    for wire in wires:
        for (x0, y0), (x1, y1) in itertools.pairwise(wire.points):
            assert y1 >= y0  # everything flows down
            left, right = wire.x + min(x0, x1), wire.x + max(x0, x1)
            top, bottom = wire.y + y0, wire.y + y1
            hit = (rooms[:, 0] + 0.5 < right) & (left < rooms[:, 2] - 0.5)
            hit &= (rooms[:, 1] + 0.5 < bottom) & (top < rooms[:, 3] - 0.5)
            found += [(wire, rooms[n].tolist()) for n in np.flatnonzero(hit)]
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_texts_fit_their_boxes(name: str):
    layer, shape = NETWORKS[name]
    for box in things(layer, Box, shape, detail=9) + things(layer, Box, shape):
        for line in box.lines:
            assert line.width <= box.width - 2 * 8 + 0.01, (box.leaf.layer, line)
    for border in things(layer, Border, shape, detail=9):
        assert border.label.width <= border.width


@pytest.mark.parametrize("name", NETWORKS)
def test_every_operation_is_named_and_every_picture_well_formed(name: str):
    layer, shape = NETWORKS[name]
    svg = layer.diagram(shape, 10)
    told = " ".join("".join(title.itertext()) for title in parsed(svg).iter(f"{SVG}title"))
    for kind in _kinds(layer):
        assert kind in told
    assert svg == layer.diagram(shape, 10)  # the same again
    parsed(layer.diagram())


def _kinds(layer: Layer) -> set[str]:
    match layer:
        case Sequential(layers=parts) | Parallel(branches=parts):
            return set().union(*map(_kinds, parts))
        case Residual(body=body):
            return _kinds(body)
        case Graph(nodes=nodes):
            layers = [way for node in nodes for _, way in node.edges]
            return set().union(*map(_kinds, layers + [n.then for n in nodes if n.then]))
    return {type(layer).__name__}


def test_boxes_say_shapes_costs_and_arguments():
    said = texts(PLAIN.diagram(IMAGE, 10))
    assert "input 3×32×32" in said
    assert {"16×32×32", "16×16×16", "32×16×16", "32", "10"} <= set(said)
    assert "464" in said  # 16 * 3 * 9 + 32
    assert "5.5k parameters" in said
    assert any("max 2×2" in text for text in said)
    assert any("16 channels" in text for text in texts(PLAIN.diagram()))


def test_bars_are_shares_of_the_whole():
    network = Sequential(Conv(4, 1), Activation(), Conv(4, 3))
    bars = [
        float(bar.get("width"))
        for bar in parsed(network.diagram((4, 8, 8))).iter(f"{SVG}rect")
        if bar.get("class") == "params"
    ]
    one, nine, _ = bars  # the last is the legend's
    assert nine / one == pytest.approx(9, rel=0.02)


def test_equal_neighbours_are_folded():
    network = Sequential(*[ConvNorm(8)] * 4, Pool(), *[ConvNorm(8), Conv(8, 1)] * 3)
    boxes = things(network, Box)
    assert [(type(b.leaf.layer).__name__, b.leaf.count) for b in boxes] == [
        ("ConvNorm", 4), ("Pool", 1), ("ConvNorm", 1), ("Conv", 1)
    ]  # fmt: skip
    (frame,) = things(network, Border)
    assert frame.frame.count == 3
    assert [box.leaf.copies for box in boxes] == [4, 1, 3, 3]
    first = 3 * 8 * 9 + 16
    assert boxes[0].leaf.params == first + 3 * (8 * 8 * 9 + 16)
    assert {"ConvNorm×4", "×3"} <= set(texts(network.diagram(IMAGE)))


def test_what_halves_the_image_is_not_folded():
    assert [b.leaf.count for b in things(Sequential(Pool(), Pool(), Pool()), Box)] == [1, 1, 1]


def test_growing_channels_are_folded_with_their_range():
    dense = Parallel(Sequential(), ConvNorm(8), join="concat")
    network = Sequential(Conv(16), *[dense] * 6)
    (join,) = things(network, Join)
    assert join.note == "24…64×32×32"


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("", []),
        ("A", [("A", 1)]),
        ("AAAA", [("A", 4)]),
        ("ABABABC", [("AB", 3), ("C", 1)]),
        ("AABAAB", [("AAB", 2)]),
        ("XABCABCABCYY", [("X", 1), ("ABC", 3), ("Y", 2)]),
        ("ABCDE", [("A", 1), ("B", 1), ("C", 1), ("D", 1), ("E", 1)]),
        ("AABABAB", [("A", 1), ("AB", 3)]),
    ],
)
def test_repeats(text: str, groups: list[tuple[str, int]]):
    assert [(text[g.start :][: g.size], g.times) for g in repeats(text)] == groups


def test_repeats_give_the_sequence_back():
    rng = np.random.default_rng(0)
    for _ in range(300):
        keys = rng.integers(0, 3, rng.integers(0, 40)).tolist()
        groups = repeats(keys)
        unfolded = [k for g in groups for k in keys[g.start :][: g.size] * g.times]
        assert unfolded == keys


def test_blocks_open_level_by_level():
    network = Sequential(BasicBlock(8), MBConv(8))
    kinds = [
        {type(box.leaf.layer) for box in things(network, Box, detail=detail)} for detail in range(4)
    ]
    assert kinds[0] == {BasicBlock, MBConv}
    assert {ConvNorm, SqueezeExcite} <= kinds[1]
    assert {Conv, Norm, SqueezeExcite} <= kinds[2] | kinds[1]
    assert not any(issubclass(kind, Block) for kind in kinds[3])


def test_what_does_nothing_is_not_drawn():
    assert [type(b.leaf.layer) for b in things(Sequential(Dropout(0), Conv(8)), Box)] == [Conv]


def test_shared_cells_are_drawn_once():
    layer, shape = NETWORKS["cells"]
    (panel,) = [b for b in things(layer, Border, shape) if b.frame.name]
    assert panel.frame.name == "cell A"
    named = [b.leaf for b in things(layer, Box, shape) if b.leaf.said == "cell A"]
    assert [leaf.count for leaf in named] == [2, 1]


def test_dead_nodes_and_their_cost_are_not_drawn():
    network = Graph(Node((0, Conv(64))), Node((0, Pool())))
    assert [type(box.leaf.layer) for box in things(network, Box)] == [Pool]


@pytest.mark.parametrize("name", sorted(references.REFERENCES))
def test_reference_networks_are_small_enough_for_a_page(name: str):
    shape = (3, 299, 299) if name == "inception_v3" else (3, 224, 224)
    svg = references.reference(name).diagram(shape, 1000)
    assert len(svg.encode()) < 60_000
    assert float(parsed(svg).get("width")) <= 560


def test_many_branches_go_into_rows():
    part, _ = picture(NETWORKS["wide"][0], IMAGE, 10, 0)
    assert part.width < 600


def test_draws_of_convnet_are_drawn():
    space, rng = spaces.ConvNet(), np.random.default_rng(7)
    for _ in range(100):
        network = draw(space.suggest, rng).architecture
        svg = network.diagram(IMAGE, 10)
        root = parsed(svg)
        assert float(root.get("width")) < 560
        assert len(svg) < 40_000
        parsed(network.diagram())


@dataclass(frozen=True)
class HostilePart(Primitive):
    """A user's layer that takes any text."""

    label: str


HOSTILE = [
    '"/><script>alert(1)</script><x a="',
    "</title><image href='http://x.y/z'/>",
    "]]>&amp;<!-- -->&#0;",
    "\x00\x08\x1b\ud800\ufffe",
    "W" * 5000,
    "漢字" * 40,
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_only_text(text: str):
    network = Sequential(HostilePart(text), Parallel(HostilePart(text), Conv(3)))
    for svg in (network.diagram(), network.diagram(IMAGE)):
        svg.encode()
        names = {element.tag.removeprefix(SVG) for element in parsed(svg).iter()}
        assert names <= {"svg", "title", "style", "rect", "g", "text", "tspan", "path", "circle"}
        assert len(svg) < 12_000
    for box in things(network, Box):
        assert all(line.width <= box.width for line in box.lines)


def test_it_is_self_contained_and_accessible():
    svg = PLAIN.diagram(IMAGE, 10)
    root = parsed(svg)
    assert root.get("role") == "img"
    assert root[0].tag == f"{SVG}title"
    assert "5.5k parameters" in root[0].text
    assert svg.count("http") == 1  # the namespace
    assert "@media screen and (prefers-color-scheme:dark)" in svg
    assert not {"script", "image", "use", "foreignObject"} & {e.tag for e in root.iter()}


def test_it_has_colours_without_css():
    for rect in parsed(PLAIN.diagram(IMAGE, 10)).iter(f"{SVG}rect"):
        assert rect.get("fill", "").startswith("#")


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(theme):
    backs = [theme.back, theme.frame, *theme.fills.values()]
    for text, back in itertools.product({getattr(theme, r) for r in ROLES.values()}, backs):
        assert contrast(text, back) >= 4.5, (text, back)
    for bar, back in itertools.product((theme.params, theme.macs), theme.fills.values()):
        assert contrast(bar, back) >= 3, (bar, back)
    assert contrast(theme.wire, theme.back) >= 3
    assert set(theme.fills) == set(theme.edges) == set(KINDS)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_errors():
    with pytest.raises(ShapeError, match="how many classes"):
        PLAIN.diagram(IMAGE)
    with pytest.raises(OptunasError, match="drawn of a layer"):
        Layer.diagram("Conv")  # type: ignore[arg-type]
    deep: Layer = Conv(3)
    for _ in range(5000):
        deep = Residual(deep)
    with pytest.raises(OptunasError, match="too deeply"):
        deep.diagram()


def test_notebooks_show_it():
    assert PLAIN._repr_svg_() == PLAIN.diagram()
