"""Finished results in files, so that work that was cut off goes on where it stopped.

A result's file begins with the digest of the rest: one that a killed process or a power cut left half written is thrown
away when the work goes on. The bytes are a pickle, the one kind in this project: they are scratch, made and removed by
one run, and only plain values and wherewise's own classes are read back.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from pathlib import Path
from typing import Any

DIGEST = 16
"""Bytes of the digest at the beginning of a file."""


def open_folder(keep: Path | None) -> None:
    """Make the folder, and clear what a killed process or a power cut left half written."""
    if keep is None:
        return
    keep.mkdir(parents=True, exist_ok=True)
    for draft in keep.glob("*.tmp"):
        draft.unlink(missing_ok=True)
    for place in keep.glob("*.part"):
        data = place.read_bytes()
        if data[:DIGEST] != digest(data[DIGEST:]):
            place.unlink()


def digest(data: bytes) -> bytes:
    """What tells whole bytes from others."""
    return hashlib.blake2b(data, digest_size=DIGEST).digest()


def place_of(keep: Path | None, number: int) -> Path | None:
    """The file of a result, or None where none are kept."""
    return None if keep is None else keep / f"{number:06d}.part"


def write_kept(place: Path, data: bytes) -> None:
    """Write a result's file. Waiting for the disk would idle the processor; the digest makes up for it."""
    draft = place.with_suffix(f".{os.getpid()}.tmp")
    draft.write_bytes(digest(data) + data)
    os.replace(draft, place)


def read_kept(place: Path) -> Any:
    """The result in a file.

    Raises:
        pickle.UnpicklingError: The bytes name a function or a foreign class.
    """
    return from_bytes(place.read_bytes()[DIGEST:])


def to_bytes(result: Any) -> bytes:
    """A result as bytes."""
    return pickle.dumps(result, protocol=5)


def from_bytes(data: bytes) -> Any:
    """What `to_bytes` was given.

    Raises:
        pickle.UnpicklingError: The bytes name a function or a foreign class.
    """
    return _Reader(io.BytesIO(data)).load()


class _Reader(pickle.Unpickler):
    """Reads plain values and wherewise's own classes, no function of any kind."""

    def find_class(self, module: str, name: str) -> Any:
        """The class that a file names.

        Raises:
            pickle.UnpicklingError: It is not one of those.
        """
        plain = (module, name) in {("collections", "Counter"), ("builtins", "set"), ("builtins", "frozenset")}
        ours = module.split(".")[0] == "wherewise"  # looked at before anything is imported
        found = super().find_class(module, name) if plain or ours else None
        if not plain and not (isinstance(found, type) and found.__module__.split(".")[0] == "wherewise"):
            raise pickle.UnpicklingError(f"a kept result names {module}.{name}, which no result has; remove the folder")
        return found
