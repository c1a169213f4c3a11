"""The table of the data and what is said of it."""

import torch
from rich.console import Console

from optunas.data import Data, Split
from optunas.terminal import data_page


def page(data: Data) -> str:
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        for part in data_page(data):
            console.print(part)
    return captured.get()


def made(*counts: tuple[int, ...], classes: tuple[str, ...]) -> Data:
    drawn = torch.Generator().manual_seed(0)
    splits = []
    for part in counts:
        labels = torch.repeat_interleave(torch.arange(len(part)), torch.tensor(part))
        images = torch.randint(0, 256, (len(labels), 1, 4, 4), generator=drawn, dtype=torch.uint8)
        splits.append(Split(images, labels))
    return Data.from_splits(
        "toy[red]\x1b[31m", (splits[0], splits[1], splits[2]), classes, notes=("left out [b]x",)
    )


def test_classes_and_splits_are_counted() -> None:
    data = made((1200, 100), (30, 20), (40, 50), classes=("[red]ant", "bee\n\x1b[31m"))
    text = page(data)
    rows = [line.split() for line in text.splitlines()]
    assert ["class", "train", "validation", "test", "all"] in rows
    assert ["[red]ant", "1,200", "30", "40", "1,270"] in rows
    assert ["bee\\n\\x1b[31m", "100", "20", "50", "170"] in rows
    assert ["all", "1,300", "50", "90", "1,440"] in rows
    assert "data     toy[red]\\x1b[31m: 2 classes" in text
    assert "left out [b]x" in text
    assert "warning  classes are uneven, 12.0 : 1" in text
    assert "\x1b" not in text


def test_of_many_classes_the_largest_and_smallest_are_shown() -> None:
    sizes = tuple(range(10, 70))
    data = made(sizes, sizes, sizes, classes=tuple(f"c{i}" for i in range(60)))
    rows = [line.split() for line in page(data).splitlines()]
    assert ["c59", "69", "69", "69", "207"] in rows
    assert ["c0", "10", "10", "10", "30"] in rows
    assert ["and", "20", "more"] in rows
    assert not any(row[:1] == ["c30"] for row in rows)
    assert ["all", *["2,370"] * 3, "7,110"] in rows
