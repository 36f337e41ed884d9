"""MNIST, and data sets in its form, from four IDX files."""

from __future__ import annotations

import hashlib
import os
import re
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml, get_data_home
from sklearn.utils import Bunch

from skdigitnet.datasets._idx import read_idx, write_idx

PARTS = {"train": ["train"], "test": ["test"], "all": ["train", "test"]}
KINDS = ("images", "labels")
FILE_NAME = re.compile(
    r"(?P<prefix>(.*-)?)(?P<part>train|t10k|test)-(?P<kind>images[-.]idx3|labels[-.]idx1)"
    r"-ubyte(\.gz)?"
)
ORIGINAL_NAMES = {
    ("train", "images"): "train-images-idx3-ubyte.gz",
    ("train", "labels"): "train-labels-idx1-ubyte.gz",
    ("test", "images"): "t10k-images-idx3-ubyte.gz",
    ("test", "labels"): "t10k-labels-idx1-ubyte.gz",
}
N_TRAIN = 60_000
SHA256 = {  # of the items in the original files, without the header
    ("train", "images"): "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    ("train", "labels"): "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    ("test", "images"): "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    ("test", "labels"): "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}

Arrays = dict[tuple[str, str], np.ndarray]


def load_mnist(
    folder=None,
    *,
    subset="train",
    scale=True,
    dtype=np.float32,
    return_X_y=False,
    as_frame=False,
):
    """Load MNIST, or a data set in its form, from a folder with its four IDX files.

    The files are those of MNIST's page (``train-images-idx3-ubyte.gz`` and so on), each
    plain or compressed, with ``-idx3`` or ``.idx3`` in the name. Fashion-MNIST, KMNIST and
    EMNIST come in the same form; so may sets of other image sizes. A prefix, as in
    ``emnist-letters-train-images-idx3-ubyte.gz``, is allowed, if it is the same for all files
    of the folder: every set has a folder of its own.

    Parameters
    ----------
    folder : str or path-like, default=None
        Where the files are. By default the folder that the environment variable
        ``SKDIGITNET_MNIST`` names; without it, ``mnist`` in scikit-learn's data folder
        (:func:`sklearn.datasets.get_data_home`).
    subset : {"train", "test", "all"}, default="train"
        The training images, the test images, or the one followed by the other.
    scale : bool, default=True
        Whether to divide the pixels by 255, so that they lie from 0 to 1.
    dtype : dtype, default=numpy.float32
        Of the pixels. With ``scale=False``, ``numpy.uint8`` keeps them as they are stored.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether ``data`` is a pandas DataFrame and ``target`` a Series.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray or DataFrame of shape (n_images, height * width)
            (60000, 784), (10000, 784) or (70000, 784) for MNIST.
        target : ndarray or Series of shape (n_images,)
            The labels, integers.
        feature_names : list of str
            "pixel_0_0", "pixel_0_1" and so on, row and column.
        target_names : ndarray
            The labels that occur.
        images : ndarray of shape (n_images, height, width)
            The same pixels.
        frame : DataFrame of shape (n_images, height * width + 1) or None
            ``data`` and ``target`` together; only with ``as_frame=True``.
        DESCR : str
            What it is and where it came from.
    (data, target) : tuple
        With ``return_X_y=True``.

    Raises
    ------
    FileNotFoundError
        If a file is not there.
    ValueError
        If a file is damaged or is not in this form, if images and labels do not match,
        or if the folder holds more than one set.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    See Also
    --------
    fetch_mnist : The same, with a download where MNIST's files are not there.

    Notes
    -----
    EMNIST's files hold every image transposed [1]_. They are returned so; turn them with
    ``bunch.images.transpose(0, 2, 1)`` where a picture of yours is to be compared with them.

    References
    ----------
    .. [1] G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST
           to handwritten letters", 2017, https://arxiv.org/abs/1702.05373
    """
    parts, dtype = _check_arguments(subset, scale, dtype)
    folder = _folder(folder)
    return _bunch(_read_parts(folder, parts), folder, scale, dtype, return_X_y, as_frame)


def fetch_mnist(
    folder=None,
    *,
    subset="train",
    scale=True,
    dtype=np.float32,
    return_X_y=False,
    as_frame=False,
):
    """Load MNIST, downloading it first where its files are not there.

    It is downloaded once, as "mnist_784" from openml.org, through
    :func:`sklearn.datasets.fetch_openml`, and stored in the folder as four IDX files.
    Downloaded or found there, the pixels and labels are compared with the SHA-256
    checksums of the original ones.

    Parameters
    ----------
    folder, subset, scale, dtype, return_X_y, as_frame
        As in :func:`load_mnist`. The folder is made if need be.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`, or (data, target)
        As from :func:`load_mnist`.

    Raises
    ------
    ConnectionError
        If the download fails.
    ValueError
        If the checksums are wrong, in which case nothing is written; and as in
        :func:`load_mnist`.
    """
    parts, dtype = _check_arguments(subset, scale, dtype)
    folder = _folder(folder)
    if any((part, kind) not in _find_files(folder) for part in parts for kind in KINDS):
        _download(folder)
    arrays = _read_parts(folder, parts)
    _check_sums(arrays, f"The files in {folder}", "load_mnist loads other sets in this form.")
    return _bunch(arrays, folder, scale, dtype, return_X_y, as_frame)


def _check_arguments(subset, scale, dtype) -> tuple[list[str], np.dtype]:
    if subset not in PARTS:
        raise ValueError(f"subset must be 'train', 'test' or 'all', but is {subset!r}.")
    dtype = np.dtype(dtype)
    allowed = dtype.kind in ("f" if scale else "uif") and np.can_cast(np.uint8, dtype)
    if not allowed:
        raise ValueError(
            "dtype must be a floating type with scale=True, and one that can hold 0 to 255"
            f" with scale=False, but is {dtype} with scale={scale}."
        )
    return PARTS[subset], dtype


def _folder(folder) -> Path:
    if folder is None:
        folder = os.environ.get("SKDIGITNET_MNIST") or Path(get_data_home()) / "mnist"
    return Path(folder)


def _find_files(folder: Path) -> dict[tuple[str, str], Path]:
    """The files of the folder's data set, by part and kind; plain ones come first."""
    files: dict[tuple[str, str], Path] = {}
    prefixes = set()
    found = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    for path in sorted(found, key=lambda path: (path.suffix == ".gz", path.name)):
        if name := FILE_NAME.fullmatch(path.name):
            part = "train" if name["part"] == "train" else "test"
            files.setdefault((part, name["kind"][:6]), path)
            prefixes.add(name["prefix"])
    if len(prefixes) > 1:
        raise ValueError(
            f"{folder} holds {len(prefixes)} data sets, with the prefixes"
            f" {sorted(prefixes)}. Give each a folder of its own."
        )
    return files


def _read_parts(folder: Path, parts: list[str]) -> Arrays:
    """Images and labels of these parts, as stored, checked to belong together."""
    files = _find_files(folder)
    arrays = {}
    for part in parts:
        for kind, n_dims in zip(KINDS, (3, 1), strict=True):
            if (part, kind) not in files:
                raise FileNotFoundError(
                    f"{folder} has no {ORIGINAL_NAMES[part, kind]}, nor the like. Put"
                    f" MNIST's four files there ({', '.join(ORIGINAL_NAMES.values())}), give"
                    " their folder as folder or in the environment variable"
                    " SKDIGITNET_MNIST, or download them with"
                    " skdigitnet.datasets.fetch_mnist."
                )
            array = read_idx(files[part, kind])
            if array.dtype != np.uint8 or array.ndim != n_dims:
                raise ValueError(
                    f"{files[part, kind]} should hold unsigned bytes in {n_dims} dimensions;"
                    f" it holds {array.dtype} in {array.ndim}."
                )
            arrays[part, kind] = array
        n_images, n_labels = (len(arrays[part, kind]) for kind in KINDS)
        if n_images != n_labels:
            raise ValueError(
                f"{files[part, 'images']} holds {n_images} images, but"
                f" {files[part, 'labels']} holds {n_labels} labels."
            )
    shapes = {arrays[part, "images"].shape[1:] for part in parts}
    if len(shapes) > 1:
        raise ValueError(f"Images in {folder} differ in shape: {sorted(shapes)}.")
    return arrays


def _download(folder: Path) -> None:
    """Write MNIST's four files from openml.org, once their checksums are right."""
    print(f"Downloading MNIST from openml.org to {folder}: about 15 MB, and 11 MB to store")
    try:
        data, target = fetch_openml(
            "mnist_784",
            version=1,
            return_X_y=True,
            as_frame=False,
            cache=False,
            parser="pandas" if find_spec("pandas") else "liac-arff",
        )
    except (OSError, EOFError, HTTPException) as error:  # URLError and timeouts are OSErrors
        raise ConnectionError(
            f"MNIST could not be downloaded from openml.org: {error}. Where there is no"
            f" network, put its four files ({', '.join(ORIGINAL_NAMES.values())}) in"
            f" {folder}, or name their folder in the environment variable SKDIGITNET_MNIST."
        ) from error
    images, labels = np.asarray(data).astype(np.uint8), np.asarray(target).astype(np.uint8)
    arrays = {
        ("train", "images"): images[:N_TRAIN],
        ("train", "labels"): labels[:N_TRAIN],
        ("test", "images"): images[N_TRAIN:],
        ("test", "labels"): labels[N_TRAIN:],
    }
    _check_sums(arrays, "What openml.org sent", "Nothing was written; try again.")
    folder.mkdir(parents=True, exist_ok=True)
    for key, array in arrays.items():
        square = (-1, 28, 28) if key[1] == "images" else -1
        write_idx(folder / ORIGINAL_NAMES[key], array.reshape(square))


def _check_sums(arrays: Arrays, what: str, advice: str) -> None:
    for key, array in arrays.items():
        found = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
        if found != SHA256[key]:
            raise ValueError(
                f"{what} is not MNIST: the {' '.join(key)} have the SHA-256 checksum {found},"
                f" and should have {SHA256[key]}. {advice}"
            )


def _bunch(arrays: Arrays, folder: Path, scale, dtype, return_X_y, as_frame):
    images, target = (
        np.concatenate([array for (_, of), array in arrays.items() if of == kind])
        for kind in KINDS
    )
    images = np.divide(images, 255, dtype=dtype) if scale else images.astype(dtype, copy=False)
    target = target.astype(int)
    n_images, height, width = images.shape
    data = images.reshape(n_images, height * width)
    bunch = Bunch(
        data=data,
        target=target,
        feature_names=[f"pixel_{i}_{j}" for i in range(height) for j in range(width)],
        target_names=np.unique(target),
        images=images,
        frame=None,
        DESCR=(
            f"{n_images} images of {height} x {width} pixels in {len(np.unique(target))}"
            f" classes, pixels from 0 to {1 if scale else 255}, from the IDX files in"
            f" {folder}."
        ),
    )
    if as_frame:
        _add_frame(bunch)
    return (bunch.data, bunch.target) if return_X_y else bunch


def _add_frame(bunch: Bunch) -> None:
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("as_frame=True needs pandas: pip install pandas") from error
    bunch.data = pd.DataFrame(bunch.data, columns=bunch.feature_names)
    bunch.target = pd.Series(bunch.target, name="target")
    bunch.frame = pd.concat([bunch.data, bunch.target], axis=1)
