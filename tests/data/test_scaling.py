import pytest
import torch

from optunas.data import Data, ImageFiles, Split
from optunas.data.finding import Finding, Whole
from optunas.data.scaling import scaling

Size = tuple[int, int]


def told(sizes: list[Size], want: Size = (128, 128)) -> list[Finding]:
    """What is said of images of these sizes, half of which are train's."""
    headers = torch.tensor([(*size, 0) for size in sizes], dtype=torch.int32)
    paths = [f"/x/{i}" for i in range(len(sizes))]
    files = ImageFiles.of(paths, [1] * len(sizes), (3, *want), headers)
    half, last = len(sizes) // 2, len(sizes) - 1
    splits = [
        Split(part, torch.arange(len(part)) % 2)
        for part in (files[:half], files[half:last], files[last:])
    ]
    moments = ((0.5,) * 3, (0.5,) * 3)
    train, validation, test = splits
    data = Data.from_splits("x", (train, validation, test), ("a", "b"), moments=moments)
    return list(scaling(Whole(data)))


def test_images_that_stay_as_they_are() -> None:
    assert told([(128, 96)] * 8, (128, 96)) == [Finding("fact", "all images are 128x96")]
    assert told([(160, 160)] * 8) == [Finding("fact", "all images are 160x160, brought to 128x128")]


def test_the_default_size_is_no_alarm() -> None:
    """Half of them are a little smaller than the middle one: that is what a middle is."""
    found = told([(100 + i, 150) for i in range(56)])
    assert [one.level for one in found] == ["fact", "fact"]
    assert found[0].text == (
        "images of 100x150 to 155x150 (height x width; the middle one 128x150) are brought to "
        "128x128"
    )
    assert found[1].text == "images that are enlarged: 28 of 56 (50.0 %)"


def test_strong_enlargement_is_a_warning_with_a_better_size() -> None:
    found = told([(32, 32)] * 20)
    assert [one.level for one in found] == ["fact", "warning"]
    assert found[1].text == "images enlarged 2 times or more, to 128x128: 20 of 20 (100 %)"
    assert found[1].advice.endswith("try --size 32")
    some = told([(32, 32)] + [(128, 128)] * 30)[1]
    assert some.level == "fact"
    assert some.text == "images that are enlarged: 1 of 31 (3.2 %), 1 of them 2 times or more"


@pytest.mark.parametrize(("panoramas", "level"), [(1, "fact"), (10, "warning")])
def test_what_the_cut_loses(panoramas: int, level: str) -> None:
    found = told([(128, 300)] * panoramas + [(128, 140)] * 30)[1]
    assert found.level == level
    assert found.text.startswith(
        "images that lose more than half of their area, cut around the centre: "
        f"{panoramas} of {panoramas + 30} ("
    )


def test_photos_of_a_camera_are_shrunk() -> None:
    found = told([(3000, 4000)] * 9 + [(2000, 3000)])
    assert found[1].text.startswith("images are shrunk 23.4 times (the middle one)")
    assert found[1].advice == "--size 256 keeps more, for four times the work"
    assert len(told([(400, 400)] * 10)) == 1
