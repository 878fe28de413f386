"""Finished results in files, so that work that was cut off goes on where it stopped.

A result's file is there whole or not at all. The bytes are a pickle, the one kind in this project: they are scratch,
made and removed by one run, and only plain values and wherewise's own classes are read back.
"""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any


def open_folder(keep: Path | None) -> None:
    """Make the folder, and clear what a killed process left half written."""
    if keep is None:
        return
    keep.mkdir(parents=True, exist_ok=True)
    for draft in keep.glob("*.tmp"):
        draft.unlink(missing_ok=True)


def place_of(keep: Path | None, number: int) -> Path | None:
    """The file of a result, or None where none are kept."""
    return None if keep is None else keep / f"{number:06d}.part"


def write_kept(place: Path, data: bytes) -> None:
    """Write a result's file, whole or not at all."""
    draft = place.with_suffix(f".{os.getpid()}.tmp")
    with draft.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, place)


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
