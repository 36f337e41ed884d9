"""Npz files as an attacker would make them: arrays and JSON, changed at every layer."""

import copy
import io
import json

import numpy as np
from mutations import bytes_changed
from zip_mutations import ZIP_MUTATIONS, Member, end_changed, zip_file

# Arrays


def npy_file(descr, shape, items=b"", *, order=b"False", version=b"\1\0"):
    header = b"{'descr': %b, 'fortran_order': %b, 'shape': %b, }" % (descr, order, shape)
    return npy_of(header.ljust(117) + b"\n", items, version)


def npy_of(header, items=b"", version=b"\1\0"):
    n_bytes = len(header).to_bytes(2 if version == b"\1\0" else 4, "little")
    return b"\x93NUMPY" + version + n_bytes + header + items


HOSTILE_HEADERS = [
    b"",
    b"\n",
    b"(" * 9000,
    b"[" * 90 + b"]" * 90,
    b"-" * 9000 + b"1",
    b"1" + b"+1j" * 3000,
    b"9" * 9000,
    b"{" * 60_000,
    b"__import__('os').mkdir('executed')",
    b"{'descr': __import__('os').mkdir('executed'), 'fortran_order': False, 'shape': ()}",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1L,), }",
    b"{'descr': '<f8\\d', 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1if 1else 2,), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}",
    b"{'descr': '<f8', 'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    b"{'fortran_order': False, 'shape': (1,), }",
    b"\xff\xfe\0",
]
DESCRS = [
    b"'|O'",
    b"'<f8'",
    b"'>f8'",
    b"'<f4'",
    b"'<i8'",
    b"'|b1'",
    b"'|u1'",
    b"'<f2'",
    b"'<c16'",
]
DESCRS += [
    b"'<U9'",
    b"'|S4'",
    b"'|V8'",
    b"'<M8[s]'",
    b"'a8'",
    b"'(9999,9999)f8'",
    b"'float'",
    b"8",
]
DESCRS += [
    b"[('a', '<f8')]",
    b"('<f8', (2, 3))",
    b"'f8" + b",f8" * 2000 + b"'",
    b"None",
    b"'<f16'",
]
SHAPES = [
    b"()",
    b"(0,)",
    b"(1,)",
    b"(-1,)",
    b"(-1, -1)",
    b"(2, 3)",
    b"(1.5,)",
    b"(True,)",
    b"1",
]
SHAPES += [
    b"(0, %d)" % 2**62,
    b"(%d,)" % 2**40,
    b"(%d, %d)" % (2**32, 2**32),
    b"(1%0999d,)" % 0,
]
SHAPES += [b"(" + b"1, " * n + b")" for n in (32, 64, 65, 3000)] + [
    b"(" + b"0, " * 3000 + b"1)"
]


def hostile_npy(rng):
    items = rng.choice([b"", bytes(8), rng.randbytes(8), b"\2", rng.randbytes(48)])
    version = rng.choice([b"\1\0"] * 5 + [b"\2\0", b"\3\0", b"\0\0", b"\xff\xff"])
    if rng.random() < 0.4:
        return npy_of(rng.choice(HOSTILE_HEADERS), items, version)
    order = rng.choice([b"False", b"False", b"True", b"0"])
    return npy_file(rng.choice(DESCRS), rng.choice(SHAPES), items, order=order, version=version)


def npy(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=True)
    return file.getvalue()


DTYPES = ["<f8", ">f8", "<f4", "<f2", "<i8", "<i4", ">i8", "|u1", "|i1", "<u8", "|b1", "<c16"]
VALUES = [0, 1, -1, 2**31, 2**62, -(2**63), 0.5, 1e300, np.nan, np.inf, -np.inf]


def change_values(array, rng):
    array = array.copy()
    if array.size:
        with np.errstate(invalid="ignore"):
            value = np.array(rng.choice(VALUES)).astype(array.dtype)
        array.reshape(-1)[rng.randrange(array.size) :: rng.choice([1, 2, 10**9])] = value
    return array


def permute(array, rng):
    return rng.choice([array[::-1], array[rng.sample(range(len(array)), len(array))]])


def resize(array, rng):
    n = rng.choice([0, 1, 2, max(len(array) - 1, 0), len(array) + 1, 2 * len(array), 1000])
    return np.resize(array, (n, *array.shape[1:]))


def reshape(array, rng):
    return array.reshape(rng.choice([(-1, 1), (1, -1), (1,) * 20 + (-1,), array.shape]))


def cast(array, rng):
    if array.dtype.kind == "U":
        return array.astype(rng.choice(["<U1", "<U30", ">U20", "|S20", "|O"]))
    return array.astype(rng.choice(DTYPES))


def empty(array, rng):
    """Without a number, but of a length that would be many lists in Python."""
    return np.empty(rng.choice([(10**5, 0), (0,), (0, 6)]), array.dtype)


def reverse_axes(array, rng):
    return np.asfortranarray(array.reshape(1, -1, 1) if array.ndim < 2 else array.T)


ARRAY_MUTATIONS = [change_values, change_values, permute, resize, reshape, cast, reverse_axes]
ARRAY_MUTATIONS += [empty]


# And the numbers beside them, in JSON


def change_arrays(numbers, arrays, rng):
    name = rng.choice(list(arrays))
    if arrays[name].ndim:
        change = rng.choice(ARRAY_MUTATIONS)
        with np.errstate(all="ignore"):
            arrays[name] = change(arrays[name], rng)


def exchange_arrays(numbers, arrays, rng):
    name, other = rng.choices(list(arrays), k=2)
    arrays[name], arrays[other] = arrays[other], arrays[name]


def drop_array(numbers, arrays, rng):
    del arrays[rng.choice(list(arrays))]


def add_array(numbers, arrays, rng):
    name = rng.choice(
        ["more", "best_theta", "held_out", "moments", "loss", "header/a", *numbers]
    )
    arrays[name] = rng.choice(list(arrays.values()))


HOSTILE_VALUES = [None, True, False, -1, 0, 1, 2, 3, 7, 2**31, 2**63 - 1, 2**63, 2**64, 10**400]
HOSTILE_VALUES += [
    0.0,
    1.5,
    -1e308,
    float("nan"),
    float("inf"),
    -float("inf"),
    "",
    "1",
    "\ud800",
]
HOSTILE_VALUES += [
    "__class__",
    "a" * 9000,
    [],
    {},
    [[]],
    [1, "a", None],
    {"": 0},
    {"a": {"b": []}},
]
NAMES = ["MT19937", "PCG64", "Philox", "seed", "RandomState", "BitGenerator", "sgd", "momentum"]
HOSTILE_VALUES += [*NAMES, "nesterov", "adam", "gradient_descent"]


def change_number(numbers, arrays, rng):
    """One value, at whatever depth, becomes another, or goes, or a new one comes."""
    inner = numbers
    while True:
        name = rng.choice([*inner, *inner, "new"])
        if not isinstance(inner.get(name), dict) or not inner[name] or rng.random() < 0.2:
            break
        inner = inner[name]
    if rng.random() < 0.1:
        inner.pop(name, None)
    elif type(inner.get(name)) is int and rng.random() < 0.5:
        inner[name] += rng.choice([-1, 1, 10])
    else:
        inner[name] = copy.deepcopy(rng.choice(HOSTILE_VALUES))  # which is changed next


CONTENT_MUTATIONS = [change_arrays, change_arrays, change_number, change_number, change_number]
CONTENT_MUTATIONS += [exchange_arrays, drop_array, add_array]


def content_changed(numbers, arrays, rng, n_changes):
    """The same content with this many numbers and arrays changed."""
    numbers, arrays = json.loads(json.dumps(numbers)), dict(arrays)
    for _ in range(n_changes):
        if arrays:
            rng.choice(CONTENT_MUTATIONS)(numbers, arrays, rng)
    return numbers, arrays


def hostile_json(numbers, rng):
    """A header whose text is at fault."""
    text = json.dumps(numbers)
    name = rng.choice(list(numbers))
    deep = rng.choice(["[", '{"a":']) * rng.choice([50, 900, 100_000])
    texts = [
        deep,
        text + text,
        text[:-1],
        "[" + "[]," * 20_000 + "[]]",
        "9" * 5000,
        "\ufeff" + text,
    ]
    texts += [
        text[:-1] + f', "{name}": {value}}}' for value in ("1e999", "9" * 5000, "NaN", deep)
    ]
    texts += [text[:-1] + f', "{name}": {"[" * n}{"]" * n}}}' for n in (60, 300, 900)]
    long = '{"%s":' % ("a" * 30_000) + '{"a":' * 900 + "0" + "}" * 901
    texts += [text[:-1] + f', "{name}": {long}}}', text[:-1] + f', "more": {long}}}']
    texts += [text[:-1] + ', "more": "%s"}' % ("a" * 100_000), "null", '""', "3", ""]
    text = rng.choice(texts)
    return text.encode(rng.choice(["utf-8"] * 5 + ["utf-16", "latin1"]), "replace")


def npz(numbers, arrays, rng, header="header"):
    """A file of these numbers, in JSON under that name, and arrays, changed at some layer."""
    n_changes = rng.choice([0, 0, 1, 1, 2])
    numbers, arrays = content_changed(numbers, arrays, rng, n_changes)
    text = json.dumps(numbers).encode() if rng.random() < 0.85 else hostile_json(numbers, rng)
    arrays = {header: np.frombuffer(text, dtype=np.uint8), **arrays}
    members = [Member(f"{name}.npy".encode(), npy(array)) for name, array in arrays.items()]
    if rng.random() < 0.15:
        rng.choice(members).content = hostile_npy(rng)
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        if members:
            rng.choice(ZIP_MUTATIONS)(members, rng)
    return bytes_changed(zip_file(members, *end_changed(rng)), rng, share=0.3)
