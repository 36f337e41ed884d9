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
    r"(?P<prefix>(.*-)?)(?P<part>train|t10k|test)-"
    r"(?P<kind>images[-.]idx3-ubyte|labels[-.](idx1-ubyte|idx2-int))(\.gz)?"
)
DEPTH = 2  # folders below the given one in which a set is looked for
QMNIST_COLUMNS = 8  # of its labels, of which the first is the class
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

Files = dict[tuple[str, str], Path]
Arrays = dict[tuple[str, str], np.ndarray]


def load_mnist(
    folder=None,
    *,
    subset="train",
    scale=True,
    dtype=np.float32,
    return_X_y=False,
    as_frame=False,
    prefix=None,
    transpose=False,
):
    """Load MNIST, or a data set in its form, from a folder with its four IDX files.

    The files are those of MNIST's page (``train-images-idx3-ubyte.gz`` and so on), each
    plain or compressed, with ``-idx3`` or ``.idx3`` in the name. Fashion-MNIST, KMNIST,
    EMNIST and QMNIST come in the same form; so may sets of other image sizes. A prefix, as
    in ``emnist-letters-train-images-idx3-ubyte.gz``, tells apart the sets of one folder.

    Parameters
    ----------
    folder : str or path-like, default=None
        Where the files are: there, or in the one folder up to two levels below that has
        such files, as in torchvision's ``MNIST/raw`` and EMNIST's ``gzip``. By default the
        folder that the environment variable ``SKDIGITNET_MNIST`` names; without it,
        ``mnist`` in scikit-learn's data folder (:func:`sklearn.datasets.get_data_home`).
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
    prefix : str, default=None
        What the names of the set's files begin with, as "emnist-letters"; "" if with
        nothing. It is needed only where the folder holds several sets.
    transpose : bool, default=False
        Whether to exchange the rows and columns of every image. EMNIST's files hold them
        exchanged [1]_; with ``transpose=True`` its characters are upright.

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
        if the folder holds several sets, or several below it hold one, or if no set has
        the prefix.
    ImportError
        If ``as_frame=True`` and pandas is not installed.

    See Also
    --------
    fetch_mnist : The same, with a download where MNIST's files are not there.

    Notes
    -----
    QMNIST's files of labels (``qmnist-train-labels-idx2-int``) have eight numbers for each
    image [2]_: the target is the first, the class.

    References
    ----------
    .. [1] G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST
           to handwritten letters", 2017, https://arxiv.org/abs/1702.05373
    .. [2] C. Yadav, L. Bottou, "Cold case: the lost MNIST digits", 2019,
           https://arxiv.org/abs/1905.10498
    """
    parts, dtype = _check_arguments(subset, scale, dtype, prefix)
    folder = _folder(folder)
    files, prefix = _choose_set(_find_sets(folder, DEPTH), folder, prefix)
    arrays = _read_parts(files, folder, parts, prefix)
    if transpose:
        for part in parts:
            arrays[part, "images"] = arrays[part, "images"].transpose(0, 2, 1)
    return _bunch(arrays, folder, scale, dtype, return_X_y, as_frame)


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
        As in :func:`load_mnist`. The folder is made if need be; none below it is looked in.

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
    files, prefix = _choose_set(_find_sets(folder), folder)
    if any((part, kind) not in files for part in parts for kind in KINDS):
        _download(folder)
        files, prefix = _choose_set(_find_sets(folder), folder)
    arrays = _read_parts(files, folder, parts, prefix)
    _check_sums(arrays, f"The files in {folder}", "load_mnist loads other sets in this form.")
    return _bunch(arrays, folder, scale, dtype, return_X_y, as_frame)


def _check_arguments(subset, scale, dtype, prefix=None) -> tuple[list[str], np.dtype]:
    if subset not in PARTS:
        raise ValueError(f"subset must be 'train', 'test' or 'all', but is {subset!r}.")
    if not (prefix is None or isinstance(prefix, str)):
        raise ValueError(
            "prefix must be None or what the names of a set's files begin with, such as"
            f" 'emnist-letters', but is {prefix!r}."
        )
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


def _find_sets(folder: Path, depth: int = 0) -> dict[str, Files]:
    """Files by prefix, and by part and kind; plain ones come before compressed ones.

    They are the folder's own, or, if it has none, those of the only folder below it that
    has some, at the first level at which there are any.
    """
    found: list[Path] = []
    for level in range(depth + 1):
        paths = folder.glob("*/" * level + "*idx*")
        found = [path for path in paths if FILE_NAME.fullmatch(path.name) and path.is_file()]
        if found:
            break
    folders = sorted({str(path.parent) for path in found})
    if len(folders) > 1:
        raise ValueError(
            f"folder is {folder}, which holds no data set itself, and {len(folders)} below it"
            f" do. Give one of them as folder: {', '.join(folders)}."
        )
    sets: dict[str, Files] = {}
    for path in sorted(found, key=lambda path: (path.suffix == ".gz", path.name)):
        name = FILE_NAME.fullmatch(path.name)
        assert name is not None
        part = "train" if name["part"] == "train" else "test"
        sets.setdefault(name["prefix"], {}).setdefault((part, name["kind"][:6]), path)
    return sets


def _choose_set(
    sets: dict[str, Files], folder: Path, prefix: str | None = None
) -> tuple[Files, str]:
    """The files of the set with this prefix, or of the only one, and the full prefix."""
    if prefix and not prefix.endswith("-"):
        prefix += "-"
    known = ", ".join(map(repr, sorted(sets)))
    if prefix is None and len(sets) > 1:
        raise ValueError(
            f"{folder} holds {len(sets)} data sets, whose files have the prefixes {known}."
            " Give one of these as prefix, or each set a folder of its own."
        )
    if prefix is not None and sets and prefix not in sets:
        raise ValueError(
            f"prefix is {prefix!r}, but the data sets in {folder} have {known}. Give one of"
            " these."
        )
    if prefix is None:
        prefix = next(iter(sets), "")
    return sets.get(prefix, {}), prefix


def _read_parts(files: Files, folder: Path, parts: list[str], prefix: str) -> Arrays:
    """Images and labels of these parts, as stored, checked to belong together."""
    arrays = {}
    for part in parts:
        for kind, n_dims in zip(KINDS, (3, 1), strict=True):
            if (part, kind) not in files:
                raise FileNotFoundError(
                    f"{folder} has no {prefix}{ORIGINAL_NAMES[part, kind]}, nor the like. Put"
                    f" MNIST's four files there ({', '.join(ORIGINAL_NAMES.values())}), give"
                    " their folder as folder or in the environment variable"
                    " SKDIGITNET_MNIST, or download them with"
                    " skdigitnet.datasets.fetch_mnist."
                )
            array = read_idx(files[part, kind])
            if kind == "labels" and _are_of_qmnist(array):
                array = array[:, 0]
            elif array.dtype != np.uint8 or array.ndim != n_dims:
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


def _are_of_qmnist(labels: np.ndarray) -> bool:
    return labels.dtype == np.int32 and labels.shape[1:] == (QMNIST_COLUMNS,)


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
    images = np.ascontiguousarray(images)  # transposed ones too
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
