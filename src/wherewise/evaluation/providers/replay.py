"""Replies read from a JSONL file: anyone's predictions, scored by our rules."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from wherewise.evaluation.providers.base import Reply, Request
from wherewise.samples.errors import InputError


class ReplayProvider:
    """Gives each sample the reply that a file holds for its id.

    A sample without a reply fails (and so counts as wrong, apart); it is never left out.

    Args:
        path: JSONL, or JSONL.GZ, one object a line.
        id_field: Field of the sample's id.
        reply_field: Field of the reply's text.
        where: Only lines in which each of these fields has this value (``{"model": "GPT4V"}``).

    Raises:
        InputError: The file is missing, a field is missing, an id occurs twice, or no line is left.
    """

    batch_size = 256

    def __init__(
        self, path: Path, *, id_field: str = "id", reply_field: str = "reply", where: dict[str, str] | None = None
    ) -> None:
        self.replies: dict[str, Reply] = {}
        conditions = where or {}
        for number, line in _lines(path):
            place = f"{path}:{number}"
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{place}: not JSON: {error}") from error
            if any(str(record.get(field)) != value for field, value in conditions.items()):
                continue
            for field in (id_field, reply_field):
                if field not in record:
                    raise InputError(f"{place}: no field {field!r}; the line has {', '.join(sorted(record))}")
            sample_id = str(record[id_field])
            if sample_id in self.replies:
                raise InputError(f"{place}: a second reply to {sample_id!r}; choose one model's lines with a condition")
            self.replies[sample_id] = Reply(
                text=str(record[reply_field] or ""),
                truncated=bool(record.get("truncated", False)),
                tokens=int(record.get("tokens", 0) or 0),
                error=record.get("error"),
            )
        if not self.replies:
            raise InputError(f"{path}: no replies" + (f" with {conditions}" if conditions else ""))
        chosen = ",".join(f"{field}={value}" for field, value in sorted(conditions.items()))
        self.name = f"replay:{path.name}" + (f"[{chosen}]" if chosen else "")
        content = json.dumps(sorted((i, r.text, r.truncated, r.error) for i, r in self.replies.items()))
        self.fingerprint = hashlib.sha256(content.encode()).hexdigest()

    def order(self, requests: Sequence[Request]) -> list[Request]:
        """As given."""
        return list(requests)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """The file's replies; an error where it has none."""
        missing = Reply(text="", error="the file holds no reply for this sample")
        return [self.replies.get(request.sample_id, missing) for request in requests]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    if not path.is_file():
        raise InputError(f"no file {path} with replies")
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as handle:
        for number, line in enumerate(handle, start=1):
            if line.strip():
                yield number, str(line)
