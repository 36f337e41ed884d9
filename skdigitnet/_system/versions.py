"""The version, and which versions' models, checkpoints and other files it can load."""

from __future__ import annotations

from typing import Any

VERSION = "0.1.0"
# The format of each kind of file. Raised with any change that an older version would misread,
# such as a new parameter: that version then refuses it with an error.
FORMATS = {"model": 1, "checkpoint": 1, "weights file": 1, "journal": 1}


def saved_by_us(kind: str) -> dict[str, Any]:
    """The note in everything of that kind that this version saves."""
    return {"kind": kind, "format": FORMATS[kind], "version": VERSION}


def check_saved_by(note, kind: str, source: str) -> None:
    """Check a note that :func:`saved_by_us` made, in any version.

    Parameters
    ----------
    note : dict or None
    kind : str
        What it should be.
    source : str
        What has the note, for messages: a path, or "This model".

    Raises
    ------
    ValueError
        If it is of another kind, of no version, or of one whose format is newer.
    """
    note = note if isinstance(note, dict) else {}
    found, number, version = note.get("kind"), note.get("format"), note.get("version")
    is_sound = type(found) is str and type(version) is str and type(number) is int
    if not (is_sound and found in FORMATS and number > 0 and version.isascii()):
        raise ValueError(
            f"{source} does not say which version of skdigitnet saved it, as every"
            f" released one says so; this is {VERSION}. It is damaged, or of a version that was"
            " not released: train it again."
        )
    if found != kind:
        raise ValueError(f"{source} is a {found} of skdigitnet, not a {kind}.")
    if number > FORMATS[kind]:
        raise ValueError(
            f"{source} was saved by skdigitnet {version:.20} in format {number} of a {kind};"
            f" this is skdigitnet {VERSION}, which knows format {FORMATS[kind]} and older ones."
            f" Install skdigitnet {version:.20} or newer to load it."
        )
