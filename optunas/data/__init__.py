"""Images and labels: digits, torchvision's sets, a folder of images.

Everything ends as `Data`, split once into train, validation and test: uint8 tensors in memory,
or, where they don't fit, image files that are decoded batch by batch.
"""

from optunas.data.dataset import Data as Data
from optunas.data.dataset import Split as Split
from optunas.data.digits import digits as digits
from optunas.data.disk import cache_folder as cache_folder
from optunas.data.files import ImageFiles as ImageFiles
from optunas.data.finding import Finding as Finding
from optunas.data.findings import findings as findings
from optunas.data.findings import overlap as overlap
from optunas.data.folder import image_folder as image_folder
from optunas.data.load import is_folder as is_folder
from optunas.data.load import load as load
from optunas.data.moments import mean_and_std as mean_and_std
from optunas.data.split import stratified as stratified
from optunas.data.split import subset as subset
from optunas.data.torchvision_sets import cifar10 as cifar10
from optunas.data.torchvision_sets import cifar100 as cifar100
from optunas.data.torchvision_sets import fashion_mnist as fashion_mnist
from optunas.data.torchvision_sets import mnist as mnist
from optunas.data.torchvision_sets import svhn as svhn
from optunas.data.torchvision_sets import torchvision_set as torchvision_set

__all__ = [
    "Data",
    "Finding",
    "ImageFiles",
    "Split",
    "cache_folder",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "findings",
    "image_folder",
    "is_folder",
    "load",
    "mean_and_std",
    "mnist",
    "overlap",
    "stratified",
    "subset",
    "svhn",
    "torchvision_set",
]
