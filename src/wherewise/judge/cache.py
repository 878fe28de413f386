"""Replies on disk: what was judged once is not asked again, whatever killed the run in between."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from wherewise.samples.errors import InputError

VERSION = 1
"""Layout of the file; another one is refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CachedReply:
    """One stored reply.

    Attributes:
        reply: The validated reply as JSON.
        path: How it was had (see `Verdict.path`).
        prompt_tokens: Tokens sent.
        completion_tokens: Tokens received.
    """

    reply: str
    path: str
    prompt_tokens: int
    completion_tokens: int


class ReplyCache:
    """An sqlite file (write-ahead log), one row a reply, committed one by one.

    A row holds the request's hash and the validated reply: neither prompts nor media nor keys. Several processes may
    share a file. Use it from one thread.

    Args:
        path: The file; made if it isn't there.

    Raises:
        InputError: The file is something else, or of another version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=60.0, isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):
                raise InputError(f"{path}: a reply cache of version {version}, this reads {VERSION}; use another file")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, task TEXT NOT NULL, reply TEXT NOT NULL, "
                "path TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL) WITHOUT ROWID"
            )
            self._db.execute(f"PRAGMA user_version={VERSION}")
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise InputError(f"{path}: cannot be used as a cache of replies ({error}); give another file") from error

    def get(self, key: str) -> CachedReply | None:
        """The reply to the request with this hash."""
        row = self._db.execute(
            "SELECT reply, path, prompt_tokens, completion_tokens FROM replies WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        return CachedReply(reply=row[0], path=row[1], prompt_tokens=row[2], completion_tokens=row[3])

    def put(self, key: str, task: str, reply: CachedReply) -> None:
        """Store a reply; it is on disk when this returns."""
        self._db.execute(
            "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?, ?, ?)",
            (key, task, reply.reply, reply.path, reply.prompt_tokens, reply.completion_tokens),
        )

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM replies").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()
