"""Every reply on disk as it comes, one JSON record a line: what was paid for once is not asked again.

The first line says what the replies depend on. A line that a killed process left half written is cut off when the file
is opened again; of two records of one key the first counts.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wherewise.samples.errors import InputError


class Journal:
    """Records by key; one process at a time.

    Args:
        path: The file; made if it isn't there.
        fingerprint: What the records depend on; a file with another one is refused.
        changed: What to tell the user to do about that.

    Raises:
        InputError: The file belongs to other settings, is damaged, or another process has it open.
    """

    def __init__(self, path: Path, *, fingerprint: str, changed: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("a+b")
        try:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"{path}: another run is writing here; wait for it, or choose another out") from None
            self._records = self._read(fingerprint, changed)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, key: str) -> bool:
        return key in self._records

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, key: str) -> Mapping[str, Any]:
        return self._records[key]

    def records(self) -> Mapping[str, Mapping[str, Any]]:
        """All records, in the order in which they came."""
        return self._records

    def put(self, key: str, record: Mapping[str, Any]) -> None:
        """Append a record; when this returns, it outlives the process."""
        if key in self._records:
            raise ValueError(f"{self._path}: {key} has a record already")
        self._write({"key": key, **record})
        self._records[key] = record

    def sync(self) -> None:
        """Make the records outlive a power cut too."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file, and let other processes have it."""
        self.sync()
        self._file.close()

    def _write(self, record: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        self._file.flush()

    def _read(self, fingerprint: str, changed: str) -> dict[str, Mapping[str, Any]]:
        self._file.seek(0)
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            self._file.truncate(whole)
        lines = data[:whole].splitlines()
        if not lines:
            self._write({"fingerprint": fingerprint})
            return {}
        records: dict[str, Mapping[str, Any]] = {}
        for number, line in enumerate(lines, start=1):
            try:
                record = json.loads(line)
            except ValueError as error:
                raise InputError(f"{self._path}:{number}: damaged ({error}); remove the line to ask again") from error
            if number == 1:
                if record.get("fingerprint") != fingerprint:
                    raise InputError(f"{self._path}: these replies were had with other settings. Fix: {changed}")
            else:
                records.setdefault(record.pop("key"), record)
        return records
