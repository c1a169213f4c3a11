"""The Python files of a winner, which run without optunas.

* `model.py` needs torch only: the network, its weights, and what is done to pixels before.
* `preprocess.py` needs numpy only: the same on arrays, for onnxruntime.
* `pixels.py` needs Pillow: an image file to pixels, by the very code of the search.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from optunas.data import Data
from optunas.data.decode import read
from optunas.delivery.code import expression, own_classes
from optunas.delivery.extract import Extract, Import, imported
from optunas.delivery.tensors import read_tensors

FUTURE: Import = ("__future__", "annotations", "")


def model_script(network: nn.Module, data: Data, said: str) -> str:
    """`model.py`; `said` is a line on what it is. Raises `OptunasError` where a module can't be
    written down."""
    extract = Extract()
    extract.take([*own_classes(network), read_tensors])
    extract.imports |= {("", "torch", ""), ("torch", "nn", ""), ("torch", "Tensor", "")}
    extract.imports |= {("pathlib", "Path", "")}
    parts = [_constants(data), *extract.definitions, _network(network), _LOAD, _MAIN]
    return _script(f"{said}\n\n{_USE}", extract, parts)


def preprocess_script(data: Data) -> str:
    """`preprocess.py`."""
    extract = Extract()
    extract.imports |= {("", "numpy", "np")}
    said = "Pixels to what the network takes, as in training."
    return _script(said, extract, [_constants(data), _ARRAYS])


def pixels_script() -> str:
    """`pixels.py`."""
    extract = Extract()
    extract.take([read])
    return _script("An image file to pixels, as in training.", extract, extract.definitions)


def _script(said: str, extract: Extract, parts: Sequence[str]) -> str:
    head = f'"""{said}\n"""' if "\n" in said else f'"""{said}"""'
    text = "\n\n".join([head, *imported(extract.imports | {FUTURE})])
    before = "def "
    for part in (part.strip("\n") for part in parts):
        apart = before.startswith(_APART) or part.startswith(_APART)
        text += ("\n\n\n" if apart else "\n") + part
        before = part
    return text + "\n"


_APART = ("def ", "class ", "@")


def _constants(data: Data) -> str:
    return f'''
CLASSES = {data.classes!r}
SHAPE = {data.input_shape}
"""channels, height and width of an image"""

MEAN = {data.mean}
STD = {data.std}
"""of each channel over the training images, scaled to 0..1"""
'''


def _network(network: nn.Module) -> str:
    return f'''
def network() -> nn.Module:
    """The network, with weights of no meaning. x: (B, C, H, W) -> logits (B, classes)."""
    return {expression(network, 4)}
'''


_USE = """Needs torch only:

    from model import CLASSES, load, preprocess
    logits = load()(preprocess(images))     # images: uint8 (B, C, H, W)

From the shell, where numpy and Pillow are installed:  python model.py image.jpg"""

_LOAD = '''
def load(weights: str | Path = Path(__file__).with_name("weights.safetensors")) -> nn.Module:
    """The trained network, on the CPU, ready to answer."""
    model = network()
    model.load_state_dict(read_tensors(weights))
    return model.to(memory_format=torch.channels_last).eval()  # in which convolutions are faster


def preprocess(images: Tensor) -> Tensor:
    """Pixels, uint8 (B, C, H, W) from 0 to 255 -> float32, as in training."""
    mean = 255 * torch.tensor(MEAN, device=images.device)
    std = (255 * torch.tensor(STD, device=images.device)).clamp_min(1.0)
    return (images.float() - mean[:, None, None]) * (1 / std[:, None, None])
'''

_MAIN = '''
def main(paths: list[str]) -> None:
    """Say what is on each image, and how sure that is."""
    from pixels import read

    model = load()
    for path in paths:
        pixels = read(path, *SHAPE)
        if isinstance(pixels, str):
            print(f"{path}: {pixels}")
            continue
        with torch.no_grad():
            shares = model(preprocess(torch.tensor(pixels[None]))).softmax(1)[0]
        best = int(shares.argmax())
        print(f"{path}: {CLASSES[best]} ({shares[best]:.1%})")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
'''

_ARRAYS = '''
def preprocess(images: np.ndarray) -> np.ndarray:
    """Pixels, uint8 (B, C, H, W) from 0 to 255 -> float32, as in training."""
    mean = np.float32(255) * np.array(MEAN, np.float32)
    std = np.maximum(np.float32(255) * np.array(STD, np.float32), np.float32(1))
    return (images.astype(np.float32) - mean[:, None, None]) * (1 / std[:, None, None])
'''
