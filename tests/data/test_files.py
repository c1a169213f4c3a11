"""Images that stay in their files against the same images in memory."""

import logging
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from optunas.data import ImageFiles
from optunas.data.reading import read_files


def files_of(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if path.is_file())


def kept_in_files(files: list[str], size: tuple[int, int] | None = None) -> ImageFiles:
    images = read_files(files, size, keep="files").images
    assert isinstance(images, ImageFiles)
    return images


@pytest.fixture
def varied(tmp_path: Path) -> list[str]:
    """Every size, kind and turn that a folder may hold."""
    folder, rng = tmp_path / "varied", np.random.default_rng(0)
    folder.mkdir()
    kinds = [("RGB", "png"), ("RGB", "jpg"), ("RGBA", "png"), ("L", "png"), ("P", "gif")]
    for i, (mode, suffix) in enumerate(kinds * 4):
        noise = rng.integers(0, 256, (int(rng.integers(9, 40)), int(rng.integers(9, 40)), 4))
        exif = Image.Exif()
        exif[274] = 1 + i % 8
        options = {} if suffix == "gif" else {"exif": exif}
        image = Image.fromarray(noise.astype(np.uint8), "RGBA").convert(mode)
        image.save(folder / f"{i:02}.{suffix}", **options)
    return files_of(folder)


@pytest.mark.parametrize("size", [None, (12, 20), (50, 7)])
def test_the_pixels_are_those_in_memory(varied: list[str], size: tuple[int, int] | None) -> None:
    memory = read_files(varied, size, keep="memory").images
    files = kept_in_files(varied, size)
    assert files.shape == memory.shape
    assert len(files) == len(memory) == 20
    assert files.nbytes == memory.nbytes
    assert files.image_shape == tuple(memory.shape[1:])
    assert torch.equal(files.read(range(20)), memory)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    assert torch.equal(files.read(order), memory[order])
    assert torch.equal(files.read([3, 3]), memory[[3, 3]])
    assert files.read([]).shape == (0, *files.image_shape)


def test_gray_headers_give_one_channel(photos: Path) -> None:
    for file in files_of(photos):
        Image.open(file).convert("L").save(file)
    files = kept_in_files(files_of(photos))
    assert files.shape == (60, 1, 8, 8)
    expected = read_files(files_of(photos), keep="memory").images
    assert torch.equal(files.read(range(60)), expected)


def test_an_index_is_a_view(photos: Path) -> None:
    paths = files_of(photos)
    files = kept_in_files(paths)
    chosen = torch.tensor([50, 2, 2, 17])
    views = {
        files[5:40:3]: paths[5:40:3],
        files[chosen]: [paths[i] for i in chosen],
        files[10:][chosen - 2][1:]: [paths[i + 8] for i in chosen][1:],
        files[60:]: [],
    }
    for view, expected in views.items():
        assert view.paths == expected
        assert len(view) == len(expected)
        assert view.shape == (len(expected), 3, 8, 8)
        assert torch.equal(
            view.read(range(len(view))),
            torch.stack([*map(pixels, expected)]) if expected else torch.empty(0, 3, 8, 8),
        )
    assert files[chosen]._table is files._table
    with pytest.raises(IndexError):
        files.read([60])


def pixels(path: str) -> torch.Tensor:
    return torch.from_numpy(np.asarray(Image.open(path)).transpose(2, 0, 1).copy())


def many(count: int) -> ImageFiles:
    paths = [f"/data/imagenet/train/n{i % 1000:08}/n{i % 1000:08}_{i}.JPEG" for i in range(count)]
    return ImageFiles.of(paths, range(count), (3, 224, 224))


def test_a_million_paths_are_light(tmp_path: Path) -> None:
    files = many(100_000)
    assert files.nbytes == 100_000 * 3 * 224 * 224
    sent = pickle.dumps(files)
    assert len(sent) < 55 * len(files)  # 33 letters below the root, a size and a place
    again = pickle.loads(sent)
    assert again.paths == files.paths
    assert again.paths[4321] == "/data/imagenet/train/n00000321/n00000321_4321.JPEG"
    assert files[::10]._table.names.data_ptr() == files._table.names.data_ptr()


def test_names_of_any_letters(tmp_path: Path) -> None:
    names = [b"\xff\xfe.png", "häß lich\n.png".encode(), b" .png", b"a"]
    for i, name in enumerate(names):
        Image.new("L", (8, 8), i).save(tmp_path / "x.png")
        os.rename(tmp_path / "x.png", os.fsencode(tmp_path) + b"/" + name)
    paths = [os.fsdecode(os.fsencode(tmp_path) + b"/" + name) for name in names]
    files = kept_in_files(paths)
    assert files.paths == paths
    assert files.read(range(4))[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert kept_in_files(paths[:1]).paths == paths[:1]


def damage(file: str) -> None:
    """Cut a file where its header is whole."""
    content = Path(file).read_bytes()
    Path(file).write_bytes(content[: len(content) - 60])


def test_a_damaged_file_is_a_gray_image_and_one_warning(
    photos: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = files_of(photos)
    damage(paths[7])
    files = kept_in_files(paths)
    assert len(files) == 60  # its header is whole
    os.remove(paths[9])  # afterwards
    assert files.unreadable == []
    with caplog.at_level(logging.WARNING, logger="optunas"):
        for view in (files, files[5:12], files):
            view.read(range(len(view)))
    first, second = (record.getMessage() for record in caplog.records)
    assert first == f"{paths[7]} can't be decoded (truncated); a gray image stands for it"
    assert second == f"{paths[9]} can't be decoded (no such file); a gray image stands for it"
    assert files.unreadable == [paths[7], paths[9]]
    assert files[8:].unreadable == [paths[9]]
    images = files.read([6, 7, 8])
    assert (images[1] == 128).all()
    assert torch.equal(images[0], pixels(paths[6]))
    assert torch.equal(images[2], pixels(paths[8]))


class Whole(Dataset[torch.Tensor]):
    def __init__(self, files: ImageFiles) -> None:
        self.files = files

    def __getitems__(self, indices: list[int]) -> torch.Tensor:
        return self.files.read(indices)

    def __len__(self) -> int:
        return len(self.files)


def test_loader_processes_read_and_tell_what_is_damaged(photos: Path) -> None:
    memory = read_files(files_of(photos), keep="memory").images
    paths = files_of(photos)
    damage(paths[30])
    files = kept_in_files(paths)
    loader = DataLoader(Whole(files), 20, num_workers=2, collate_fn=lambda images: images)
    found = torch.cat(list(loader))
    assert files.unreadable == [paths[30]]  # seen by another process
    assert (found[30] == 128).all()
    found[30] = memory[30]
    assert torch.equal(found, memory)


def test_contents_tell_files_apart_wherever_they_lie(tmp_path: Path) -> None:
    def contents(*files: str, sizes: tuple[int, ...] = (5, 6)) -> bytes:
        return b"|".join(ImageFiles.of(files, sizes, (3, 8, 8)).contents())

    same = [contents("/x/a/1", "/x/b/2"), contents("/y/z/a/1", "/y/z/b/2")]
    same.append(contents("a/1", "b/2"))
    assert len(set(same)) == 1
    others = [
        contents("/x/b/2", "/x/a/1"),
        contents("/x/a/1", "/x/b/3"),
        contents("/x/a/1", "/x/b/2", sizes=(5, 7)),
        contents("/x/a/1", "/x/b/2", "/x/b/3", sizes=(5, 6, 7)),
    ]
    assert len({same[0], *others}) == 5
    three = ImageFiles.of(["/x/a/1", "/x/b/2", "/x/c/33"], [5, 6, 7], (3, 8, 8))
    view = three[torch.tensor([1, 0])]
    assert b"|".join(view.contents()) == contents("/x/b/2", "/x/a/1", sizes=(6, 5))
