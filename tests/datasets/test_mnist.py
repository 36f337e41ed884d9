"""MNIST and sets in its form: which files are read, what is returned, the download."""

import gzip
import hashlib
import inspect
import sys
from http.client import IncompleteRead
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import fetch_openml

from skdigitnet.datasets import _mnist, fetch_mnist, load_mnist, read_idx, write_idx

NAMES = list(_mnist.ORIGINAL_NAMES.values())
PLAIN_NAMES = [name.removesuffix(".gz") for name in NAMES]
N_TRAIN, N_TEST = 6, 4


def made_up(n_images, height, width, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n_images, height, width), dtype=np.uint8)
    return images, rng.integers(0, 10, n_images, dtype=np.uint8)


def write_set(folder, names=NAMES, height=28, width=28):
    """Four files in that folder, and the arrays in them."""
    arrays = [*made_up(N_TRAIN, height, width, seed=0), *made_up(N_TEST, height, width, seed=1)]
    folder.mkdir(exist_ok=True)
    for name, array in zip(names, arrays, strict=True):
        write_idx(folder / name, array)
    return arrays


@pytest.fixture(autouse=True)
def nowhere(tmp_path_factory, monkeypatch, request):
    """No files of this machine are found, except by the tests of the real MNIST."""
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path_factory.mktemp("data_home")))
    if "mnist" not in request.fixturenames:
        monkeypatch.delenv("SKDIGITNET_MNIST", raising=False)


def assert_holds(bunch, images, labels):
    np.testing.assert_array_equal(bunch.images, images / np.float32(255))
    np.testing.assert_array_equal(bunch.target, labels)


# Files


@pytest.mark.parametrize(
    "names",
    [
        NAMES,
        PLAIN_NAMES,
        [name.replace("-idx", ".idx") for name in NAMES],
        [name.replace("-idx", ".idx") for name in PLAIN_NAMES],
        [name.replace("t10k", "test") for name in PLAIN_NAMES],
        [f"emnist-letters-{name}".replace("t10k", "test") for name in NAMES],
        [NAMES[0], PLAIN_NAMES[1], PLAIN_NAMES[2].replace("-idx", ".idx"), NAMES[3]],
    ],
    ids=["original", "plain", "dot", "plain dot", "test", "prefix", "mixed"],
)
def test_names(tmp_path, names):
    X_train, y_train, X_test, y_test = write_set(tmp_path, names)
    assert_holds(load_mnist(tmp_path), X_train, y_train)
    assert_holds(load_mnist(str(tmp_path), subset="test"), X_test, y_test)
    both = np.concatenate([X_train, X_test]), np.concatenate([y_train, y_test])
    assert_holds(load_mnist(tmp_path, subset="all"), *both)


def test_a_plain_file_comes_before_a_compressed_one(tmp_path):
    X_train, y_train, *_ = write_set(tmp_path, [n.replace("-idx", ".idx") for n in PLAIN_NAMES])
    write_idx(tmp_path / NAMES[0], X_train[::-1])
    assert_holds(load_mnist(tmp_path), X_train, y_train)


def test_other_files_and_folders_are_passed_over(tmp_path):
    X_train, y_train, *_ = write_set(tmp_path, [n.replace("-idx", ".idx") for n in PLAIN_NAMES])
    (tmp_path / PLAIN_NAMES[0]).mkdir()  # some archives unpack every file to such a folder
    for name in (f"{NAMES[0]}.tmp", f"{NAMES[1]}.part", "train-images.npy", "README"):
        (tmp_path / name).write_text("something else")
    assert_holds(load_mnist(tmp_path), X_train, y_train)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (8, 8), (5, 9), (1, 1)])
def test_other_sizes(tmp_path, height, width):
    X_train, y_train, *_ = write_set(tmp_path, height=height, width=width)
    bunch = load_mnist(tmp_path)
    assert_holds(bunch, X_train, y_train)
    assert bunch.data.shape == (N_TRAIN, height * width)
    assert bunch.feature_names[-1] == f"pixel_{height - 1}_{width - 1}"
    assert len(bunch.feature_names) == height * width


def test_one_part_needs_its_files_only(tmp_path):
    *_, X_test, y_test = write_set(tmp_path)
    for name in NAMES[:2]:
        (tmp_path / name).unlink()
    assert_holds(load_mnist(tmp_path, subset="test"), X_test, y_test)
    for subset in ("train", "all"):
        with pytest.raises(FileNotFoundError, match=NAMES[0]):
            load_mnist(tmp_path, subset=subset)


@pytest.mark.parametrize("missing", NAMES)
def test_a_missing_file_is_named_and_what_to_do(tmp_path, missing):
    write_set(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        load_mnist(tmp_path, subset="all")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path} has no {missing}")
    assert all(text in message for text in (*NAMES, "SKDIGITNET_MNIST", "fetch_mnist"))


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere has no train-images"):
        load_mnist(tmp_path / "nowhere")


EMNIST = ["emnist-letters-", "emnist-digits-", ""]


@pytest.fixture
def three_sets(tmp_path):
    """A folder with files of three prefixes, and the side of the images of each."""
    sides = dict(zip(EMNIST, (3, 4, 5), strict=True))
    for prefix, side in sides.items():
        write_set(tmp_path, [prefix + name for name in NAMES], height=side, width=side)
    return tmp_path, sides


@pytest.mark.parametrize("prefix", [*EMNIST, "emnist-letters"])
@pytest.mark.parametrize("subset", ["train", "test", "all"])
def test_prefix_chooses_among_sets(three_sets, prefix, subset):
    folder, sides = three_sets
    side = sides[f"{prefix.rstrip('-')}-" if prefix else ""]
    assert load_mnist(folder, subset=subset, prefix=prefix).images.shape[1:] == (side, side)


def test_several_sets_need_a_prefix(three_sets):
    folder, _ = three_sets
    known = "'', 'emnist-digits-', 'emnist-letters-'"
    with pytest.raises(ValueError, match=rf"3 data sets.* {known}\. Give one .*as prefix"):
        load_mnist(folder)
    with pytest.raises(ValueError, match=rf"prefix is 'emnist-', but .* {known}\. Give one"):
        load_mnist(folder, prefix="emnist")
    with pytest.raises(ValueError, match=r"prefix must be None .* but is 3"):
        load_mnist(folder, prefix=3)


def test_a_missing_file_of_one_set_is_named_with_its_prefix(three_sets):
    folder, _ = three_sets
    (folder / f"emnist-letters-{NAMES[1]}").unlink()
    with pytest.raises(FileNotFoundError, match=f"has no emnist-letters-{NAMES[1]}"):
        load_mnist(folder, prefix="emnist-letters")


def test_qmnist(tmp_path):
    """Its labels are eight numbers an image, in files of their own names."""
    names = [
        "qmnist-train-images-idx3-ubyte.gz",
        "qmnist-train-labels-idx2-int.gz",
        "qmnist-test-images-idx3-ubyte",
        "qmnist-test-labels-idx2-int",
    ]
    X_train, y_train, X_test, y_test = write_set(tmp_path, names)
    for name, y in ((names[1], y_train), (names[3], y_test)):
        others = np.random.default_rng(0).integers(0, 10**6, (len(y), 7))
        write_idx(tmp_path / name, np.column_stack([y, others]).astype(np.int32))
    assert_holds(load_mnist(tmp_path), X_train, y_train)
    assert_holds(load_mnist(tmp_path, subset="test"), X_test, y_test)
    write_idx(tmp_path / names[1], np.zeros((N_TRAIN, 3), np.int32))
    with pytest.raises(ValueError, match=r"idx2-int\.gz should hold .* int32 in 2"):
        load_mnist(tmp_path)


@pytest.mark.parametrize("files_in", ["MNIST/raw", "raw", "gzip"])
def test_folders_as_they_are_distributed(tmp_path, files_in):
    (tmp_path / files_in).mkdir(parents=True)
    X_train, y_train, *_ = write_set(tmp_path / files_in)
    (tmp_path / "README").write_text("something else")
    assert_holds(load_mnist(tmp_path), X_train, y_train)
    assert_holds(load_mnist((tmp_path / files_in).parent), X_train, y_train)


def test_a_folder_with_files_of_its_own_is_that_of_the_set(tmp_path):
    write_set(tmp_path / "raw", height=5, width=5)
    write_set(tmp_path)
    assert load_mnist(tmp_path).images.shape == (N_TRAIN, 28, 28)


def test_several_folders_below_are_named(tmp_path):
    for name in ("MNIST", "FashionMNIST"):
        (tmp_path / name).mkdir()
        write_set(tmp_path / name / "raw")
    folders = [str(tmp_path / name / "raw") for name in ("FashionMNIST", "MNIST")]
    with pytest.raises(ValueError, match=f"2 below it do. Give one .*{', '.join(folders)}"):
        load_mnist(tmp_path)


def test_folders_farther_below_are_not_looked_in(tmp_path):
    folder = tmp_path / "one" / "two" / "three"
    folder.mkdir(parents=True)
    write_set(folder)
    with pytest.raises(FileNotFoundError):
        load_mnist(tmp_path)


@pytest.mark.parametrize("scale", [True, False])
def test_transpose(tmp_path, scale):
    write_set(tmp_path, height=4, width=6)
    stored = load_mnist(tmp_path, subset="all", scale=scale)
    upright = load_mnist(tmp_path, subset="all", scale=scale, transpose=True)
    assert upright.images.shape == (N_TRAIN + N_TEST, 6, 4)
    np.testing.assert_array_equal(upright.images, stored.images.transpose(0, 2, 1))
    np.testing.assert_array_equal(upright.data, upright.images.reshape(-1, 24))
    assert np.shares_memory(upright.data, upright.images)
    assert upright.feature_names[-1] == "pixel_5_3"


def test_counts_that_differ(tmp_path):
    _, y_train, *_ = write_set(tmp_path)
    write_idx(tmp_path / NAMES[1], y_train[:-1])
    with pytest.raises(ValueError, match=rf"{NAMES[0]} holds 6 images, but .*{NAMES[1]} .* 5"):
        load_mnist(tmp_path)


def test_images_and_labels_the_wrong_way_round(tmp_path):
    swapped = [NAMES[1], NAMES[0], NAMES[3], NAMES[2]]
    write_set(tmp_path, swapped)
    with pytest.raises(ValueError, match=rf"{NAMES[0]} .* 3 dimensions; it holds uint8 in 1"):
        load_mnist(tmp_path)


def test_items_that_are_not_bytes(tmp_path):
    _, y_train, *_ = write_set(tmp_path)
    write_idx(tmp_path / NAMES[1], y_train.astype(np.int32))
    with pytest.raises(
        ValueError, match=rf"{NAMES[1]} should hold unsigned bytes.* int32 in 1"
    ):
        load_mnist(tmp_path)


def test_parts_of_different_sizes(tmp_path):
    write_set(tmp_path)
    write_idx(tmp_path / NAMES[2], np.zeros((N_TEST, 8, 8), np.uint8))
    assert load_mnist(tmp_path, subset="test").data.shape == (N_TEST, 64)
    with pytest.raises(ValueError, match=r"differ in shape: \[\(8, 8\), \(28, 28\)\]"):
        load_mnist(tmp_path, subset="all")


def test_a_damaged_file_is_named(tmp_path):
    write_set(tmp_path)
    path = tmp_path / NAMES[0]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=rf"{NAMES[0]}: the gzip stream is damaged"):
        load_mnist(tmp_path)


# Where the folder is


def test_argument_before_environment_before_data_home(tmp_path, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    sides = {"argument": 3, "environment": 4, "mnist": 5}  # the last one in the data home
    for name, side in sides.items():
        write_set(tmp_path / name, height=side, width=side)

    def side_of(*arguments):
        return load_mnist(*arguments).images.shape[1]

    assert side_of() == sides["mnist"]
    monkeypatch.setenv("SKDIGITNET_MNIST", "")
    assert side_of() == sides["mnist"]
    monkeypatch.setenv("SKDIGITNET_MNIST", str(tmp_path / "environment"))
    assert side_of() == sides["environment"]
    assert side_of(tmp_path / "argument") == sides["argument"]


# What is returned


def test_bunch(tmp_path):
    X_train, y_train, *_ = write_set(tmp_path)
    bunch = load_mnist(tmp_path)
    assert set(bunch) == {
        *("data", "target", "feature_names", "target_names", "images", "frame", "DESCR")
    }
    assert (bunch.data.shape, bunch.data.dtype) == ((N_TRAIN, 784), np.float32)
    assert (bunch.target.shape, bunch.target.dtype) == ((N_TRAIN,), np.dtype(int))
    assert np.shares_memory(bunch.data, bunch.images)
    assert bunch.data.flags.writeable
    assert bunch.frame is None
    np.testing.assert_array_equal(bunch.target_names, np.unique(y_train))
    column = bunch.feature_names.index("pixel_2_5")
    np.testing.assert_array_equal(bunch.data[:, column], X_train[:, 2, 5] / np.float32(255))
    assert f"{N_TRAIN} images of 28 x 28 pixels" in bunch.DESCR
    assert str(tmp_path) in bunch.DESCR


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, "f4"])
def test_scaled_pixels(tmp_path, dtype):
    X_train, *_ = write_set(tmp_path)
    data, target = load_mnist(tmp_path, dtype=dtype, return_X_y=True)
    assert data.dtype == dtype
    assert target.shape == (N_TRAIN,)
    expected = (X_train.reshape(N_TRAIN, -1) / 255).astype(dtype)
    np.testing.assert_allclose(data, expected, rtol=np.finfo(dtype).eps)
    assert (data.min(), data.max()) == (0, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_pixels_as_stored(tmp_path, dtype):
    X_train, *_ = write_set(tmp_path)
    bunch = load_mnist(tmp_path, scale=False, dtype=dtype)
    assert bunch.data.dtype == dtype
    np.testing.assert_array_equal(bunch.images, X_train)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_as_frame(tmp_path, dtype):
    write_set(tmp_path)
    arrays = load_mnist(tmp_path, scale=False, dtype=dtype)
    bunch = load_mnist(tmp_path, scale=False, dtype=dtype, as_frame=True)
    assert isinstance(bunch.data, pd.DataFrame)
    assert isinstance(bunch.target, pd.Series)
    np.testing.assert_array_equal(bunch.data, arrays.data)
    np.testing.assert_array_equal(bunch.target, arrays.target)
    assert list(bunch.data.columns) == bunch.feature_names
    assert list(bunch.frame.columns) == [*bunch.feature_names, "target"]
    assert set(bunch.data.dtypes) == {np.dtype(dtype)}
    data, target = load_mnist(
        tmp_path, scale=False, dtype=dtype, as_frame=True, return_X_y=True
    )
    pd.testing.assert_frame_equal(data, bunch.data)
    pd.testing.assert_series_equal(target, bunch.target)


def test_as_frame_without_pandas(tmp_path, monkeypatch):
    write_set(tmp_path)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="as_frame=True needs pandas: pip install pandas"):
        load_mnist(tmp_path, as_frame=True)
    load_mnist(tmp_path)


@pytest.mark.parametrize("load", [load_mnist, fetch_mnist])
@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"subset": "validation"}, "subset must be .*'validation'"),
        ({"subset": None}, "subset must be .*None"),
        ({"dtype": np.uint8}, "dtype must be .* uint8 with scale=True"),
        ({"dtype": np.complex64}, "dtype must be .* complex64 with scale=True"),
        ({"dtype": np.int8, "scale": False}, "dtype must be .* int8 with scale=False"),
        ({"dtype": bool, "scale": False}, "dtype must be .* bool with scale=False"),
        ({"dtype": object, "scale": False}, "dtype must be .* object with scale=False"),
        ({"dtype": "U3", "scale": False}, "dtype must be .*U3 with scale=False"),
    ],
    ids=str,
)
def test_arguments_are_checked_before_anything_is_read(tmp_path, load, parameters, match):
    with pytest.raises(ValueError, match=match):
        load(tmp_path, **parameters)


# The real one


def test_real_mnist(mnist):
    X_train, y_train, X_test, y_test = mnist
    train, test = load_mnist(scale=False, dtype=np.uint8), load_mnist(subset="test")
    np.testing.assert_array_equal(train.data, X_train)
    np.testing.assert_array_equal(train.target, y_train)
    np.testing.assert_array_equal(test.data, X_test / np.float32(255))
    np.testing.assert_array_equal(test.target, y_test)
    assert train.images.shape == (60000, 28, 28)
    assert test.images.shape == (10000, 28, 28)
    np.testing.assert_array_equal(train.target_names, range(10))
    assert train.data.mean() / 255 == pytest.approx(0.1306604762738429, rel=1e-14)


def test_real_mnist_passes_its_checksums(mnist, monkeypatch):
    monkeypatch.setattr(_mnist, "fetch_openml", None)  # not to be called
    data, target = fetch_mnist(subset="all", scale=False, dtype=np.uint8, return_X_y=True)
    np.testing.assert_array_equal(data[60000:], mnist[2])
    np.testing.assert_array_equal(target[:60000], mnist[1])


def test_real_mnist_is_written_as_it_was_published(mnist, tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    write_idx(path, mnist[0].reshape(-1, 28, 28))
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    assert md5 == "6bbc9ace898e44ae57da46a324031adb"


# Download


class FakeOpenML:
    """Stands for fetch_openml: returns these rows, or raises, and counts the calls."""

    def __init__(self, data, target):
        self.data, self.target = data, target
        self.error = None
        self.calls = []

    def __call__(self, *args, **kwargs):
        self.calls.append(inspect.signature(fetch_openml).bind(*args, **kwargs).arguments)
        if self.error:
            raise self.error
        return self.data, self.target


@pytest.fixture
def openml(monkeypatch, tmp_path):
    """A small MNIST at openml.org, with the types of the real answer."""
    arrays = write_set(tmp_path / "original")
    fake = FakeOpenML(
        np.concatenate(arrays[::2]).reshape(-1, 784).astype(np.int64),
        np.concatenate(arrays[1::2]).astype(str).astype(object),
    )
    sums = [hashlib.sha256(array.tobytes()).hexdigest() for array in arrays]
    monkeypatch.setattr(_mnist, "SHA256", dict(zip(_mnist.SHA256, sums, strict=True)))
    monkeypatch.setattr(_mnist, "N_TRAIN", N_TRAIN)
    monkeypatch.setattr(_mnist, "fetch_openml", fake)
    return fake


def test_download_once(tmp_path, openml, capsys):
    folder = tmp_path / "new" / "mnist"
    first = fetch_mnist(folder, subset="all")
    printed = capsys.readouterr().out
    assert "Downloading MNIST from openml.org" in printed
    assert str(folder) in printed
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    for name in NAMES:
        original = tmp_path / "original" / name
        np.testing.assert_array_equal(read_idx(folder / name), read_idx(original))
        assert gzip.decompress((folder / name).read_bytes())[:3] == b"\0\0\x08"
    second = fetch_mnist(folder, subset="all")
    assert len(openml.calls) == 1
    assert not capsys.readouterr().out
    for bunch in (second, load_mnist(folder, subset="all")):
        np.testing.assert_array_equal(bunch.data, first.data)
        np.testing.assert_array_equal(bunch.target, first.target)


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_what_is_asked_of_openml(tmp_path, openml, monkeypatch, dtype):
    openml.data = openml.data.astype(dtype)
    fetch_mnist(tmp_path / "one")
    monkeypatch.setitem(sys.modules, "pandas", None)
    fetch_mnist(tmp_path / "two")
    with_pandas, without = openml.calls
    assert (with_pandas["name"], with_pandas["version"]) == ("mnist_784", 1)
    assert with_pandas["return_X_y"] is True
    assert with_pandas["as_frame"] is False
    assert (with_pandas["parser"], without["parser"]) == ("pandas", "liac-arff")


def test_download_to_the_data_home(openml, tmp_path, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "home"))
    fetch_mnist()
    assert load_mnist(tmp_path / "home" / "mnist").data.shape == (N_TRAIN, 784)


def test_files_that_are_there_are_not_downloaded(openml, tmp_path):
    folder = tmp_path / "original"
    (folder / NAMES[0]).unlink()
    fetch_mnist(folder, subset="test")
    assert not openml.calls
    fetch_mnist(folder, subset="train")
    assert len(openml.calls) == 1


def test_folders_below_are_not_taken_for_the_download(openml, tmp_path):
    """A folder in which other sets have theirs is one to download to."""
    (tmp_path / "FashionMNIST").mkdir()
    write_set(tmp_path / "FashionMNIST" / "raw", height=16, width=16)
    assert fetch_mnist(tmp_path).images.shape == (N_TRAIN, 28, 28)
    assert len(openml.calls) == 1


def test_parameters_are_those_of_load_mnist(openml, tmp_path):
    parameters = dict(inspect.signature(load_mnist).parameters)
    del parameters["prefix"], parameters["transpose"]  # MNIST needs neither
    assert dict(inspect.signature(fetch_mnist).parameters) == parameters
    parameters = {"subset": "test", "scale": False, "dtype": np.uint8, "as_frame": True}
    fetched = fetch_mnist(tmp_path / "original", **parameters)
    loaded = load_mnist(tmp_path / "original", **parameters)
    pd.testing.assert_frame_equal(fetched.frame, loaded.frame)
    data, target = fetch_mnist(tmp_path / "original", return_X_y=True)
    assert (len(data), len(target)) == (N_TRAIN, N_TRAIN)


@pytest.mark.parametrize("damaged", ["data", "target"])
def test_a_wrong_checksum_writes_nothing(openml, tmp_path, damaged):
    changed = getattr(openml, damaged)
    changed[-1] = "3" if openml.target[-1] != "3" else "4"
    folder = tmp_path / "mnist"
    with pytest.raises(ValueError, match=r"openml\.org sent is not MNIST: the test .*SHA-256"):
        fetch_mnist(folder)
    assert not folder.exists()


def test_files_of_another_set_are_not_taken_for_mnist(openml, tmp_path):
    folder = tmp_path / "fashion"
    write_set(folder, height=16, width=16)
    with pytest.raises(
        ValueError, match=r"fashion is not MNIST: the train images .*load_mnist"
    ):
        fetch_mnist(folder)
    assert not openml.calls
    load_mnist(folder)


@pytest.mark.parametrize(
    "error",
    [
        URLError("no route to host"),
        TimeoutError("timed out"),
        IncompleteRead(b"", 10),
        EOFError("Compressed file ended"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_without_a_network(openml, tmp_path, error):
    openml.error = error
    folder = tmp_path / "mnist"
    with pytest.raises(ConnectionError) as caught:
        fetch_mnist(folder)
    message = str(caught.value)
    assert str(error) in message
    assert all(text in message for text in (*NAMES, str(folder), "SKDIGITNET_MNIST"))
    assert not folder.exists()
