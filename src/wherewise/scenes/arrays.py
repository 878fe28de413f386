"""NumPy files that people bring: read without pickle, and without trusting the sizes that they state."""

from __future__ import annotations

import io
import math
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from numpy.lib import format as npy
from numpy.typing import NDArray

from wherewise.samples.errors import DatasetError

MOST_BYTES = 1 << 30
"""Largest array that is read."""


def load_arrays(source: Path | bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an ``.npz`` file by name; that of an ``.npy`` file under ``""``.

    Raises:
        DatasetError: The file is missing, damaged, holds Python objects, or states an array of more than `MOST_BYTES`.
    """
    file = str(source) if isinstance(source, Path) else "<bytes>"
    if isinstance(source, Path) and not source.is_file():
        raise DatasetError("there is no such file", file=file, fix="correct the path")
    raw = source.read_bytes() if isinstance(source, Path) else source
    try:
        if not zipfile.is_zipfile(io.BytesIO(raw)):
            return {"": _array(io.BytesIO(raw))}
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            found = {}
            for name in archive.namelist():
                with archive.open(name) as member:
                    found[name.removesuffix(".npy")] = _array(member)
            return found
    except (
        ValueError, TypeError, SyntaxError, EOFError, KeyError, OSError, RuntimeError, NotImplementedError,
        zipfile.BadZipFile, zlib.error, tokenize.TokenError, MemoryError,
    ) as error:  # fmt: skip
        raise DatasetError(f"no NumPy file that can be read: {error}", file=file, fix="make it again") from error


def _array(stream: Any) -> NDArray[Any]:
    """One array, its size checked before memory is asked for."""
    data: BinaryIO = io.BytesIO(stream.read(MOST_BYTES + 1))
    version = npy.read_magic(data)
    shape, _, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(data)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    left = _left(data)
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > min(left, MOST_BYTES):
        raise ValueError(f"it states an array of {shape} {dtype} and holds {left} bytes")
    data.seek(0)
    array: NDArray[Any] = npy.read_array(data, allow_pickle=False)
    return array


def _left(data: BinaryIO) -> int:
    """Bytes behind the position, which stays."""
    at = data.tell()
    end = data.seek(0, io.SEEK_END)
    data.seek(at)
    return end - at
