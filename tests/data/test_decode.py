"""Every kind of image file against what a viewer would show."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from optunas.data import decode


def pixels(path: Path, channels: int, height: int, width: int) -> np.ndarray:
    found = decode.read(str(path), channels, height, width)
    assert not isinstance(found, str), found
    assert found.shape == (channels, height, width)
    assert found.dtype == np.uint8
    return found


def noise(*shape: int, high: int = 256, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, high, shape).astype(dtype)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp", "gif", "ppm"])
def test_lossless_formats_give_their_pixels(tmp_path: Path, suffix: str) -> None:
    image = Image.fromarray(noise(6, 5, 3))
    image = image.quantize(16).convert("RGB") if suffix == "gif" else image
    options = {"lossless": True} if suffix == "webp" else {}
    image.save(tmp_path / f"x.{suffix}", **options)
    assert decode.probe(str(tmp_path / f"x.{suffix}")) == (6, 5, False)
    assert np.array_equal(
        pixels(tmp_path / f"x.{suffix}", 3, 6, 5), np.asarray(image).transpose(2, 0, 1)
    )


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns(tmp_path: Path, orientation: int) -> None:
    image = Image.fromarray(noise(16, 24, 3))
    exif = Image.Exif()
    exif[274] = orientation
    image.save(tmp_path / "x.png", exif=exif)
    with Image.open(tmp_path / "x.png") as stored:
        shown = np.asarray(ImageOps.exif_transpose(stored)).transpose(2, 0, 1)
    height, width = shown.shape[1:]
    assert decode.probe(str(tmp_path / "x.png")) == (height, width, False)
    assert np.array_equal(pixels(tmp_path / "x.png", 3, height, width), shown)


def test_a_turned_photo_is_cut_after_turning(tmp_path: Path) -> None:
    """A red top and a blue bottom, stored lying on its side."""
    shown = np.zeros((40, 20, 3), np.uint8)
    shown[:20, :, 0], shown[20:, :, 2] = 255, 255
    exif = Image.Exif()
    exif[274] = 6  # a viewer turns it by 90 degrees clockwise
    Image.fromarray(shown).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "x.jpg", exif=exif)
    found = pixels(tmp_path / "x.jpg", 3, 8, 8).astype(int)
    assert (found[0, :3] > 200).all()
    assert (found[2, -3:] > 200).all()


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    image = np.zeros((4, 4, 4), np.uint8)
    image[:2, :, 3] = 255  # an opaque black half; the other is see-through
    Image.fromarray(image).save(tmp_path / "x.png")
    found = pixels(tmp_path / "x.png", 3, 4, 4)
    assert (found[:, :2] == 0).all()
    assert (found[:, 2:] == 255).all()
    Image.fromarray(image).convert("LA").save(tmp_path / "la.png")
    assert np.array_equal(pixels(tmp_path / "la.png", 1, 4, 4)[0], found[0])
    palette = Image.fromarray(noise(4, 4, high=2)).convert("P")
    palette.save(tmp_path / "p.png", transparency=0)
    gone = np.asarray(palette) == 0
    assert (pixels(tmp_path / "p.png", 3, 4, 4)[:, gone] == 255).all()


def test_sixteen_bits_keep_the_upper_eight(tmp_path: Path) -> None:
    deep = noise(5, 7, high=65536, dtype=np.uint16)
    for suffix in ("png", "tiff"):
        Image.fromarray(deep).save(tmp_path / f"x.{suffix}")
        assert decode.probe(str(tmp_path / f"x.{suffix}")) == (5, 7, True)
        assert np.array_equal(pixels(tmp_path / f"x.{suffix}", 1, 5, 7)[0], deep >> 8)


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "x.jpg", quality=95)
    red = pixels(tmp_path / "x.jpg", 3, 8, 8)
    assert (red[0] > 240).all()
    assert (red[1:] < 15).all()


def test_one_bit_and_gray(tmp_path: Path) -> None:
    bits = noise(6, 6, high=2).astype(bool)
    Image.fromarray(bits).save(tmp_path / "x.png")
    assert decode.probe(str(tmp_path / "x.png")) == (6, 6, True)
    assert np.array_equal(pixels(tmp_path / "x.png", 1, 6, 6)[0], bits * 255)
    assert np.array_equal(pixels(tmp_path / "x.png", 3, 6, 6)[2], bits * 255)


def test_resizing_covers_then_cuts_the_centre(tmp_path: Path) -> None:
    """Against Pillow's own fit, on a wide, a tall and a small image."""
    for height, width in ((40, 90), (90, 40), (9, 5)):
        image = Image.fromarray(noise(height, width, 3))
        image.save(tmp_path / "x.png")
        reference = np.asarray(ImageOps.fit(image, (20, 16), Image.Resampling.BILINEAR)).astype(int)
        found = pixels(tmp_path / "x.png", 3, 16, 20).transpose(1, 2, 0)
        assert np.abs(found - reference).max() <= 1


def test_a_big_jpeg_read_small_looks_the_same(tmp_path: Path) -> None:
    smooth = np.asarray(
        Image.fromarray(noise(8, 8, 3)).resize((1200, 900), Image.Resampling.BICUBIC)
    )
    Image.fromarray(smooth).save(tmp_path / "x.jpg", quality=95)
    reference = ImageOps.fit(Image.fromarray(smooth), (64, 64), Image.Resampling.BILINEAR)
    found = pixels(tmp_path / "x.jpg", 3, 64, 64).transpose(1, 2, 0).astype(int)
    assert np.abs(found - np.asarray(reference)).mean() < 2


def test_files_that_are_no_images_say_why(tmp_path: Path) -> None:
    Image.fromarray(noise(64, 64, 3)).save(tmp_path / "good.jpg")
    whole = (tmp_path / "good.jpg").read_bytes()
    files = {
        "text.png": b"not a picture",
        "nothing.png": b"",
        "head.jpg": whole[:40],
        "half.jpg": whole[: len(whole) // 2],
        "page.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        found = decode.read(str(tmp_path / name), 3, 64, 64)
        assert isinstance(found, str), name
        assert str(tmp_path) not in found
    assert decode.probe(str(tmp_path / "text.png")) == "not an image"
    assert decode.read(str(tmp_path / "half.jpg"), 3, 64, 64) == "truncated"
    assert decode.probe(str(tmp_path / "absent.png")) == "no such file"
    assert decode.read(str(tmp_path / "half.jpg"), 3, 32, 32, exact=True) == decode.OTHER
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "float.tiff")
    assert "no known range" in str(decode.read(str(tmp_path / "float.tiff"), 1, 4, 4))


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (100, 100)).save(tmp_path / "x.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert "DecompressionBomb" in str(decode.probe(str(tmp_path / "x.png")))


def test_random_damage_never_raises(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for suffix in ("jpg", "png", "gif", "webp", "tiff", "bmp"):
        Image.fromarray(noise(24, 24, 3)).save(tmp_path / f"x.{suffix}")
        whole = (tmp_path / f"x.{suffix}").read_bytes()
        for _ in range(25):
            bad = bytearray(whole[: rng.integers(1, len(whole) + 1)])
            for place in rng.integers(0, len(bad), 4):
                bad[place] = rng.integers(0, 256)
            (tmp_path / "bad").write_bytes(bad)
            with decode.quietly():
                found = decode.read(str(tmp_path / "bad"), 3, 24, 24)
            assert isinstance(found, str) or found.shape == (3, 24, 24)
