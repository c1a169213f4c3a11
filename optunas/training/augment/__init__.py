"""Augmentation of a whole batch at once, on its device, with random numbers of its own per image.

torchvision's transforms draw once for a whole batch, which makes a batch's images move together;
here each image moves alone, without a Python loop. The random numbers are passed in, as one
uniform number per image and decision: an epoch draws them at once, and the operations are plain
functions that a CUDA graph can hold. Images stay uint8: a quarter of the memory traffic of floats.
"""

from optunas.training.augment.mixing import Mixing as Mixing
from optunas.training.augment.mixing import mixed_loss as mixed_loss
from optunas.training.augment.policy import Operation as Operation
from optunas.training.augment.policy import Policy as Policy

__all__ = ["Mixing", "Operation", "Policy", "mixed_loss"]
