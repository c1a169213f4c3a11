"""The picture of a network: draw one from a space, write it as an SVG that any browser shows."""

from pathlib import Path

import numpy as np

from optunas.spaces import ConvNet
from optunas.spaces.draw import draw

network = draw(ConvNet().suggest, np.random.default_rng(0)).architecture

picture = network.diagram((3, 32, 32), classes=10)  # detail=1 shows the inside of blocks as well
Path("network.svg").write_text(picture, encoding="utf-8")
print(f"network.svg: {len(picture):,} characters")
