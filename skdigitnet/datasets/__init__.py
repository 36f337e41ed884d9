"""Handwritten digits: MNIST and its like, IDX files, pictures of your own, distortions.

And rows of anything that are larger than memory.
"""

from skdigitnet._problem.row_blocks import RowBlocks
from skdigitnet.datasets._distortions import Distortions, distort_images
from skdigitnet.datasets._idx import read_idx, write_idx
from skdigitnet.datasets._image import load_image
from skdigitnet.datasets._mnist import fetch_mnist, load_mnist

__all__ = [
    "Distortions",
    "RowBlocks",
    "distort_images",
    "fetch_mnist",
    "load_image",
    "load_mnist",
    "read_idx",
    "write_idx",
]
