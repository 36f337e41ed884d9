"""Zip files as an attacker would make them."""

import struct
import zlib
from dataclasses import dataclass, field

from mutations import SIZES

HEADER = dict.fromkeys(["needed", "flags", "method", "time", "date"], "H")
HEADER |= dict.fromkeys(["checksum", "packed", "size"], "L")
HEADER |= dict.fromkeys(["n_name", "n_extra"], "H")
MEMBER = {"signature": "4s", **HEADER}
ENTRY = {"signature": "4s", "version": "H", **HEADER, "n_comment": "H", "disk": "H"}
ENTRY |= {"internal": "H", "external": "L", "offset": "L"}
END = {"signature": "4s", "disk": "H", "first_disk": "H", "n_here": "H", "n_members": "H"}
END |= {"n_bytes": "L", "offset": "L", "n_comment": "H"}
METHODS = {8: zlib.compress, 12: bytes, 14: bytes, 99: bytes}


@dataclass
class Member:
    """What a zip file holds under a name, and what its two headers say instead."""

    name: bytes
    content: bytes
    extra: bytes = b""
    entry_extra: bytes = b""
    comment: bytes = b""
    header: dict = field(default_factory=dict)
    entry: dict = field(default_factory=dict)
    is_there: bool = True  # or in the directory only

    def fields(self):
        n_bytes = len(self.content)
        fields = {"needed": 20, "date": 33, "checksum": zlib.crc32(self.content)}
        fields |= {"packed": n_bytes, "size": n_bytes, "n_name": len(self.name)}
        return fields

    def stored(self):
        if not self.is_there:
            return b""
        fields = {"signature": b"PK\3\4", **self.fields(), "n_extra": len(self.extra)}
        return packed(MEMBER, fields | self.header) + self.name + self.extra + self.content

    def directory_entry(self, offset):
        fields = {"signature": b"PK\1\2", **self.fields(), "offset": offset}
        fields |= {"n_extra": len(self.entry_extra), "n_comment": len(self.comment)}
        header = packed(ENTRY, fields | self.entry)
        return header + self.name + self.entry_extra + self.comment


def packed(layout, fields):
    """A header of these fields, those that are not given being zero."""
    values = [fields.get(name, 0) for name in layout]
    return struct.pack("<" + "".join(layout.values()), *values)


def zip_file(members, end=(), tail=b""):
    """The members, their directory, and an end whose fields may be other than the true ones."""
    content, directory = b"", b""
    for member in members:
        directory += member.directory_entry(len(content))
        content += member.stored()
    fields = {"signature": b"PK\5\6", "n_here": len(members), "n_members": len(members)}
    fields |= {"n_bytes": len(directory), "offset": len(content), **dict(end)}
    return content + directory + tail + packed(END, fields)


def any_field(layout, rng):
    """A field of a header with another value."""
    name = rng.choice([name for name in layout if name != "signature"])
    value = rng.choice([*SIZES, 2**32 - 2, rng.randrange(2**32)])
    return {name: value % 2 ** (8 * struct.calcsize(layout[name]))}


def change_header(members, rng):
    rng.choice(members).header |= any_field(MEMBER, rng)


def change_entry(members, rng):
    rng.choice(members).entry |= any_field(ENTRY, rng)


def change_both(members, rng):
    """Sizes, checksums, methods or flags in which the two headers agree."""
    member, change = rng.choice(members), any_field(MEMBER, rng)
    member.header |= change
    member.entry |= change


def declare_larger(members, rng):
    member, size = rng.choice(members), rng.choice([2**20, 2**31, 2**32 - 2])
    for fields in (member.header, member.entry):
        fields |= {"packed": size, "size": size}


def use_zip64(members, rng):
    member, size = rng.choice(members), 2**32 - 1
    true = len(member.content)
    sizes = rng.choice([(true, true)] * 3 + [(2**40, 2**40), (2**64 - 1, 0), (true, 2**62)])
    extra = struct.pack("<2H2Q", 1, rng.choice([16, 16, 8, 0, 999]), *sizes)
    member.extra = extra[: rng.choice([20, 20, 20, 12, 3])]
    member.header |= {"packed": size, "size": size}
    if rng.random() < 0.5:
        member.entry_extra, member.entry = extra, {"packed": size, "size": size}


def compress(members, rng):
    member, method = rng.choice(members), rng.choice(list(METHODS))
    size, checksum = len(member.content), zlib.crc32(member.content)
    member.content = METHODS[method](member.content)
    for fields in (member.header, member.entry):
        fields |= {"method": method, "size": size, "checksum": checksum}


def encrypt(members, rng):
    member, flags = rng.choice(members), rng.choice([1, 8, 32, 64, 0x800, 0x2000])
    for fields in (member.header, member.entry):
        fields |= {"flags": flags}


def overlap(members, rng):
    """Many entries of the directory for the same bytes."""
    last = members[-1]
    for _ in range(rng.choice([1, 100])):
        entry = {**last.fields(), "offset": rng.choice([0, 40])}
        members.append(Member(last.name, b"", entry=entry, is_there=False))


def rename(members, rng):
    names = [
        b"",
        b".npy",
        b"../../theta.npy",
        b"/etc/passwd",
        b"theta",
        b"a\0b.npy",
        b"\xff.npy",
    ]
    names += ["\N{SNOWMAN}.npy".encode(), b"n" * 60_000 + b".npy", members[0].name]
    rng.choice(members).name = rng.choice(names)


def add_many(members, rng):
    content = rng.choice([b"", members[-1].content[:200]])
    for i in range(rng.choice([1, 50, 300])):
        members.append(Member(b"%d.npy" % i, content))


def comment(members, rng):
    rng.choice(members).comment = b"PK\5\6" * rng.choice([1, 5000])


def extra_field(members, rng):
    extra = rng.choice([b"\1\0", b"\1\0\x10\0", b"up\5\0\1abcd"]) + rng.randbytes(
        rng.randrange(9)
    )
    rng.choice(members).extra = rng.choice([extra, b""])
    rng.choice(members).entry_extra = extra


def reorder(members, rng):
    rng.shuffle(members)


def drop(members, rng):
    del members[rng.randrange(len(members))]


ZIP_MUTATIONS = [change_header, change_entry, change_both, declare_larger, use_zip64, compress]
ZIP_MUTATIONS += [encrypt, overlap, rename, add_many, comment, extra_field, reorder, drop]


def end_changed(rng):
    """Fields and bytes for the end of a zip file."""
    if rng.random() < 0.9:
        return {}, b""
    zip64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, *rng.choices(SIZES, k=4))
    zip64 += struct.pack("<4sLQL", b"PK\6\7", 0, rng.choice(SIZES), 1)
    return any_field(END, rng), rng.choice([b"", zip64])
