"""The file in which a study keeps every result as soon as it has it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from skdigitnet._system.packing import pack, unpack
from skdigitnet._system.records import Place, RecordFile, records_in
from skdigitnet._system.versions import check_saved_by, saved_by_us
from skdigitnet.model_selection._identity import KEY_SIZE, StudyKey

KIND = "journal"
MAGIC = b"skdigitnet journal\n"
KEPT = "kept"  # of a result, where its training has paused; no frame shows it


class Journal:
    """The results of a study's cells, in a file that is only ever appended to.

    What :meth:`append` has returned from outlives the process and the machine. Only the
    process that runs the study writes. A result that was being written when that was killed
    is dropped; nothing else is lost. There is no lock file to remove, so nothing keeps two
    runs from writing at once: if one of them is killed, the file can count as damaged, and is
    then refused.

    Memory grows with the number of cells, not with their results, which stay in the file.

    Parameters
    ----------
    path : str or path-like
        The file; it is made if it is not there.
    study_key : StudyKey
        Of the study, from :func:`~skdigitnet.model_selection._identity.study_key`.

    Raises
    ------
    ValueError
        If the file is no journal, damaged, of a newer version or of another study. The
        message says in what that differs. The file is then left as it is.

    Notes
    -----
    Each record is packed by :mod:`skdigitnet._system.packing`, so nothing of a file is ever
    executed, and lies between checksums of :mod:`skdigitnet._system.records`. The first one
    is the header: which version has made the file, and the parts of the study's key. Every
    other is the key of a cell, its result, and what people want to know of it.
    """

    def __init__(self, path: str | os.PathLike, study_key: StudyKey):
        self.path = Path(path)
        header = pack({**saved_by_us(KIND), "study": study_key.parts})
        self._file = RecordFile(
            self.path, MAGIC, header, lambda found: _check_study(self.path, found, study_key)
        )
        self._places: dict[bytes, Place] = {}
        try:
            for start, size in self._file.places[1:]:
                key = self._file.read((start, min(size, KEY_SIZE)))
                self._places.setdefault(_cell_of(self.path, key), (start, size))
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, cell_key: object) -> bool:
        return cell_key in self._places

    def __getitem__(self, cell_key: bytes) -> dict[str, Any]:
        """The result of a cell, with the types and the bits it was appended with."""
        return _entry_in(self.path, self._file.read(self._places[cell_key]))["result"]

    def append(self, cell_key: bytes, result: dict[str, Any], about: dict[str, Any]) -> None:
        """Add the result of a cell; it is on disk when this returns.

        Parameters
        ----------
        cell_key : bytes
        result : dict
            What :func:`~skdigitnet._system.packing.pack` takes: numbers, text, arrays, and
            lists, tuples and dicts of those.
        about : dict
            What :func:`read_journal` shows beside the result. Whatever cannot be packed is
            kept as its ``repr``.
        """
        self.extend([(cell_key, result, about)])

    def extend(self, cells: Iterable[tuple[bytes, dict[str, Any], dict[str, Any]]]) -> None:
        """Add several results as :meth:`append` does, in the time of one.

        A crash in the meantime leaves all of them or none.
        """
        cells = list(cells)
        if not cells:
            return
        records = [
            key + pack({"result": result, "about": _readable(about)})
            for key, result, about in cells
        ]
        places = self._file.append(records)
        for (key, *_), place in zip(cells, places, strict=True):
            self._places.setdefault(key, place)

    def close(self) -> None:
        """Close the file. Every result is in it already."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def read_journal(path):
    """The results in the journal of a study, also while the study goes on.

    The file is not changed. A result that is just being written is left out.

    Parameters
    ----------
    path : str or path-like
        The file that was given to the search as ``journal``.

    Returns
    -------
    frame : pandas.DataFrame
        A row for each result, in the order in which they came. The columns are what is
        known of a cell, such as ``param_alpha`` and ``split``, and of its result, such as
        ``test_score`` and ``fit_time``. Arrays are left out.

    Raises
    ------
    ValueError
        If the file is no journal, damaged or of a newer version.
    FileNotFoundError
        If there is no such file.
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("read_journal needs pandas: pip install pandas.") from error
    return pd.DataFrame(rows_in(Path(path)))


def rows_in(path: Path) -> list[dict[str, Any]]:
    """The rows of the frame that :func:`read_journal` makes."""
    rows: dict[bytes, dict[str, Any]] = {}
    records = records_in(path, MAGIC)
    for header in records:
        _study_of(path, header)
        for record in records:
            key = _cell_of(path, record)
            if key not in rows:
                rows[key] = _row(_entry_in(path, record))
    return list(rows.values())


def _check_study(path: Path, header: bytes, study_key: StudyKey) -> None:
    """Raise ValueError unless it is the header of a journal of this study."""
    differences = study_key.differences_from(_study_of(path, header))
    if differences:
        raise ValueError(
            f"{path} is the journal of another study: {'; '.join(differences)}. Give another"
            " path as journal to begin a new study, or make these what they were to go on"
            " with that one."
        )


def _study_of(path: Path, header: bytes) -> dict[str, list[str]]:
    """The parts of the key of the study that a journal with this header belongs to."""
    try:
        note = unpack(header)
        parts = dict(note).pop("study", None)
    except Exception as error:  # what was not written here raises nearly anything
        raise ValueError(f"{path} is a damaged journal: its header, {error}.") from error
    check_saved_by(note, KIND, str(path))
    if not (type(parts) is dict and all(map(_is_part, parts.values()))):
        raise ValueError(f"{path} is a damaged journal: its header names no study.")
    return parts


def _is_part(value: Any) -> bool:
    return type(value) is list and len(value) == 2 and all(type(text) is str for text in value)


def _cell_of(path: Path, record: bytes) -> bytes:
    if len(record) < KEY_SIZE:
        raise ValueError(f"{path} is a damaged journal: a record of it is too short.")
    return record[:KEY_SIZE]


def _entry_in(path: Path, record: bytes) -> dict[str, dict[str, Any]]:
    """The result in a record, and what is known about it."""
    try:
        entry = unpack(record[KEY_SIZE:])
        is_sound = [type(entry[name]) for name in ("result", "about")] == [dict, dict]
    except Exception as error:  # see above
        raise ValueError(f"{path} is a damaged journal: in a record, {error}.") from error
    if not is_sound:
        raise ValueError(f"{path} is a damaged journal: a record of it is no result.")
    return entry


def _readable(value: Any) -> Any:
    """The value itself, or, of what is in it and cannot be packed, the ``repr``."""
    if isinstance(value, dict):
        return {str(name): _readable(item) for name, item in value.items()}
    try:
        pack(value)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
    return value


def _row(entry: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A row of the frame, without arrays; the first of two columns of the same name."""
    row: dict[str, Any] = {}
    shown = {name: value for name, value in entry["result"].items() if name != KEPT}
    for name, value in _columns({**entry["about"], **shown}):
        if not isinstance(value, np.ndarray):
            row.setdefault(_printable(name), _printable(value))
    return row


def _columns(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is in it and in dicts in it, which give their names to what they hold.

    ``params`` of ``{"alpha": 1}`` is ``param_alpha``, ``test_scores`` of
    ``{"accuracy": 1}`` is ``test_accuracy``, and ``test_scores`` of 1 is ``test_score``.
    """
    for name, value in values.items():
        is_scores = name in ("test_scores", "train_scores")
        if isinstance(value, dict):
            start = name.removesuffix("_scores") if is_scores else name.removesuffix("s")
            yield from ((f"{start}_{inner}", each) for inner, each in _columns(value))
        else:
            yield name.removesuffix("s") if is_scores else name, value


def _printable(value: Any) -> Any:
    """The value; of a text what can be encoded, for pandas takes no other."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value
