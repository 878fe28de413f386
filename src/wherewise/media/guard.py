"""Decoding in a process of its own, which is killed when it takes too long; its file is set aside.

A damaged or hostile clip can keep a decoder busy for ever, or crash it. Neither must stop a run that lasts for days:
the child process decodes, the parent waits for so many seconds, and what went wrong becomes a `MediaError` that names
the file. A file that hung or crashed is not tried again by this process, nor, with a folder given, by any other that
uses the folder, until the file changes. The child serves one clip after another and ends with its parent.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wherewise.media.errors import MediaError
from wherewise.media.roots import name_of, resolve
from wherewise.media.video import Frames
from wherewise.samples.media import Video

ASIDE = "set_aside.jsonl"
"""File, in the folder that is given, that lists the files that hung or crashed a decoder."""

START_SECONDS = 60.0
"""Seconds that a child may take to start."""

_BLOCK = 1 << 20


class DecodeKilled(MediaError):
    """A clip kept its decoder busy for too long, or crashed it."""


def load_within(
    video: Video,
    root: Path | None,
    *,
    seconds: float,
    wish: Mapping[str, Any],
    aside: Path | None = None,
    sample_id: str = "",
) -> Frames:
    """`load_frames` in another process, for at most so many seconds.

    Args:
        video: The clip.
        root: Data root of its path; may be None for bytes.
        seconds: Limit; the child's own start, once, does not count.
        wish: Other arguments of `load_frames`, as JSON can hold them.
        aside: Folder whose `ASIDE` lists the files that hung or crashed; None remembers them in this process only.
        sample_id: Sample to name in errors.

    Raises:
        DecodeKilled: It took longer, crashed the decoder, or did so before.
        MediaError: What `load_frames` raises.
    """
    identity = _identity(video, root, sample_id)
    reason = _known(aside).get(identity)
    if reason is not None:
        raise DecodeKilled(
            f"set aside: {reason}",
            fix=_FIX + (f" (or delete its line from {aside / ASIDE})" if aside is not None else ""),
            file=name_of(video),
            sample=sample_id,
        )
    with _LOCK:
        try:
            return _child().ask(video, root, wish, sample_id, seconds)
        except DecodeKilled as killed:
            _set_aside(aside, identity, killed.message, name_of(video))
            raise


_FIX = "drop the sample, convert the clip, or raise timeout"
_LOCK = threading.Lock()
_seen: dict[Path | None, dict[str, str]] = {}
_children: dict[int, _Child] = {}


def _identity(video: Video, root: Path | None, sample_id: str) -> str:
    """Names a file's present state; of bytes, the bytes."""
    if video.data is not None:
        return hashlib.sha256(video.data).hexdigest()
    path = resolve(video.path or "", root, sample_id=sample_id)
    facts = path.stat()
    return f"{path}|{facts.st_size}|{facts.st_mtime_ns}"


def _known(aside: Path | None) -> dict[str, str]:
    """Reasons by identity: those of this process, and those in the folder."""
    found = dict(_seen.get(aside, {}))
    if aside is not None and (aside / ASIDE).is_file():
        for line in (aside / ASIDE).read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, KeyError):  # a line that another process is writing
                record = json.loads(line)
                found[record["identity"]] = record["reason"]
    return found


def _set_aside(aside: Path | None, identity: str, reason: str, file: str) -> None:
    if aside is None:
        _seen.setdefault(None, {})[identity] = reason
        return
    aside.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"file": file, "reason": reason, "identity": identity}) + "\n"
    with (aside / ASIDE).open("ab") as stream:  # one write of one line: appended whole beside other processes'
        stream.write(line.encode())


def _child() -> _Child:
    """This process's child; a forked process starts its own."""
    child = _children.get(os.getpid())
    if child is None or child.dead:
        if not _children:
            atexit.register(_stop)
        child = _children[os.getpid()] = _Child()
    return child


def _stop() -> None:
    child = _children.pop(os.getpid(), None)
    if child is not None:
        child.kill()


class _Child:
    """The process that decodes. Requests: a line of JSON, then the clip's bytes; replies: a line, then the frames."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "wherewise.media.guard_child", str(os.getpid())]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout.fileno()
        self._rest = b""
        self._line(time.monotonic() + START_SECONDS)

    @property
    def dead(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._input.close()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def ask(self, video: Video, root: Path | None, wish: Mapping[str, Any], sample_id: str, seconds: float) -> Frames:
        data = video.data or b""
        head = {
            "path": video.path,
            "bytes": None if video.data is None else len(data),
            "start": video.start,
            "end": video.end,
            "frame_times": video.frame_times,
            "root": None if root is None else str(root.absolute()),
            "sample_id": sample_id,
            "wish": dict(wish),
        }
        deadline = time.monotonic() + seconds
        try:
            self._input.write(json.dumps(head).encode() + b"\n" + data)
            self._input.flush()
            reply = json.loads(self._line(deadline))
            if "shape" in reply:
                array = np.frombuffer(self._take(int(np.prod(reply["shape"])), deadline), np.uint8)
                return Frames(array=array.reshape(reply["shape"]), times=tuple(reply["times"]))
        except TimeoutError:
            self.kill()
            message = f"decoding took more than {seconds:g} s and was stopped"
            raise DecodeKilled(message, fix=_FIX, file=name_of(video), sample=sample_id) from None
        except (EOFError, BrokenPipeError):
            self.kill()
            message = f"its decoder crashed (exit code {self._process.returncode})"
            raise DecodeKilled(message, fix=_FIX, file=name_of(video), sample=sample_id) from None
        except BaseException:  # interrupted: what is left in the pipe belongs to nobody
            self.kill()
            raise
        raise MediaError(reply["message"], fix=reply["fix"], file=reply["file"], sample=sample_id)

    def _line(self, deadline: float) -> bytes:
        while b"\n" not in self._rest:
            self._rest += self._read(deadline, _BLOCK)
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _take(self, count: int, deadline: float) -> bytearray:
        taken = bytearray(self._rest[:count])
        self._rest = self._rest[count:]
        while len(taken) < count:
            taken += self._read(deadline, min(_BLOCK, count - len(taken)))
        return taken

    def _read(self, deadline: float, most: int) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            if not selector.select(max(deadline - time.monotonic(), 0)):
                raise TimeoutError
        data = os.read(self._output, most)
        if not data:
            raise EOFError
        return data
