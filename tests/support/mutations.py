"""IDX and gzip files as an attacker would make them, and what else can happen to bytes."""

import gzip
import random
import struct
import zlib
from itertools import pairwise
from math import prod

SIZES = [0, 1, 2, 3, 4, 7, 12, 127, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1]


def generator(kind, number):
    """What the file of that kind and number is drawn with."""
    return random.Random(f"{kind} {number}")


# Bytes, whatever they mean


def flip(content, at, rng):
    return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]


def put_byte(content, at, rng):
    return content[:at] + rng.randbytes(1) + content[at + 1 :]


def put_integer(content, at, rng):
    n_bytes, order = rng.choice([2, 4, 8]), rng.choice(["little", "big"])
    value = rng.choice([*SIZES, 2**63 - 1, 2**64 - 1]) % 2 ** (8 * n_bytes)
    return content[:at] + value.to_bytes(n_bytes, order) + content[at + n_bytes :]


def truncate(content, at, rng):
    return content[:at]


def delete(content, at, rng):
    return content[:at] + content[at + rng.choice([1, 2, 4, 8, 100]) :]


def insert(content, at, rng):
    return (
        content[:at]
        + rng.choice([rng.randbytes, bytes])(rng.choice([1, 4, 100]))
        + content[at:]
    )


def repeat(content, at, rng):
    end = at + rng.choice([1, 4, 16, 100, len(content)])
    return content[:end] + content[at:end] * rng.randrange(1, 4) + content[end:]


def swap(content, at, rng):
    middle, end = at + rng.choice([1, 4, 30]), at + rng.choice([2, 8, 60])
    return content[:at] + content[middle:end] + content[at:middle] + content[end:]


def append(content, at, rng):
    return content + rng.choice([bytes, rng.randbytes])(rng.choice([1, 8, 512]))


BYTE_MUTATIONS = [flip, put_byte, put_integer, truncate, delete, insert, repeat, swap, append]


def bytes_changed(content, rng, share):
    """The file, in this share of cases with some of what happens to bytes, half of it early."""
    if rng.random() >= share:
        return content
    for _ in range(rng.choice([1, 1, 2, 3])):
        content = content or b"\0"
        end = rng.choice([len(content), min(len(content), 32)])
        content = rng.choice(BYTE_MUTATIONS)(content, rng.randrange(end), rng)
    return content


# IDX

TYPES = {0x08: 1, 0x09: 1, 0x0B: 2, 0x0C: 4, 0x0D: 4, 0x0E: 8}


def idx_file(code, n_dims, shape, items):
    return bytes([0, 0, code, n_dims]) + struct.pack(f">{len(shape)}I", *shape) + items


def idx(rng, share=0.6):
    """A file that is right, but in this share of cases for some fields, or some bytes."""
    code = rng.choice(list(TYPES))
    shape = [rng.randrange(5) for _ in range(rng.randrange(5))]
    n_dims = len(shape)
    items = rng.randbytes(prod(shape) * TYPES[code])
    for _ in range(rng.choice([1, 1, 2]) if rng.random() < share else 0):
        change = rng.randrange(5)
        if change == 0:
            code = rng.choice([*TYPES, rng.randrange(256)])
        elif change == 1:
            n_dims = rng.choice([n_dims + 1, rng.randrange(256)])
        elif change == 2 and shape:
            shape[rng.randrange(len(shape))] = rng.choice(SIZES)
        elif change == 3:
            shape = [rng.choice([1, rng.choice(SIZES)]) for _ in range(rng.randrange(70))]
            n_dims = len(shape)
        else:
            items = rng.choice([items[:-1], items + b"\0", items * 2, rng.randbytes(5000)])
    return bytes_changed(idx_file(code, n_dims, shape, items), rng, share)


# gzip


def bomb(rng):
    """The header of one array and the zeros of another, of up to 1 MiB."""
    n_bytes = rng.choice([2**16, 2**20])
    declared = rng.choice([n_bytes, n_bytes - 1, n_bytes + 1, 10, 2**31, 2**32 - 1])
    return idx_file(0x08, 1, [declared], bytes(n_bytes))


def deflated(content, rng):
    level = rng.choice([0, 1, 9])
    strategy = rng.choice([zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY])
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    half = len(content) // 2
    middle = packer.compress(content[:half]) + packer.flush(rng.choice([0, 2, 3]))
    return middle + packer.compress(content[half:]) + packer.flush()


def gzip_member(content, rng):
    """A member with whatever its header may have, and sometimes what it may not."""
    flags = rng.choice([0, 0, 0, rng.choice([4, 8, 16]), rng.randrange(256)])
    method = rng.choice([8] * 50 + [0, 7, 9])
    header = b"\x1f\x8b" + bytes([method, flags]) + rng.randbytes(6)
    if flags & 4:
        extra = rng.randbytes(rng.choice([0, 4, 300]))
        declared = rng.choice([len(extra)] * 5 + [0, 2**16 - 1])
        header += struct.pack("<H", declared) + extra
    for flag in (8, 16):
        if flags & flag:
            header += b"n" * rng.choice([0, 5, 20_000]) + rng.choice([b"\0"] * 5 + [b""])
    if flags & 2:
        header += struct.pack("<H", rng.choice([zlib.crc32(header) & 0xFFFF, 0]))
    checksum = rng.choice([zlib.crc32(content)] * 20 + [0])
    size = rng.choice([len(content)] * 20 + [rng.choice(SIZES)])
    return header + deflated(content, rng) + struct.pack("<2L", checksum, size)


def gzipped(rng):
    """An IDX file or a bomb, in one member or in several, with or without an end."""
    content = bomb(rng) if rng.random() < 0.05 else idx(rng, share=0.1)
    if rng.random() < 0.03:
        content = gzip.compress(content)
    cuts = sorted(
        rng.randrange(len(content) + 1) for _ in range(rng.choice([0, 0, 0, 0, 1, 3]))
    )
    cuts = [0, *cuts, len(content)]
    pieces = [content[i:j] for i, j in pairwise(cuts)]
    pieces += [b""] * rng.choice([0] * 50 + [500])
    stream = b"".join(gzip_member(piece, rng) for piece in pieces)
    stream += rng.choice([b""] * 8 + [bytes(512), b"rest"])
    return bytes_changed(stream, rng, share=0.4)
