"""Runs damaged files through the readers, one after the other: started by the tests as a process of its own.

``python fuzz_cases.py SEED FIRST COUNT WORK`` prints a JSON line before each case and one after it.
"""

from __future__ import annotations

import faulthandler
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

SECONDS = 5.0
"""Most processor time of a case."""
STUCK = 300.0
"""Wall-clock seconds after which a case that uses no processor time ends the process."""
MEMORY = 2 * 2**30
"""Most bytes that all cases together may ask for beyond what the interpreter needs."""

_TRUSTED = ("/usr/", "/proc/", "/dev/", "/sys/", "/etc/", "/lib", "/opt/")


class TooSlowError(BaseException):
    """A case used more processor time than it may."""


class Watch:
    """Files that are opened where a reader has no business."""

    def __init__(self, work: Path) -> None:
        self.work = os.path.realpath(work)
        self.trusted = tuple(
            {
                *_TRUSTED,
                *(os.path.realpath(path) + "/" for path in (sys.prefix, sys.base_prefix, Path(__file__).parents[2])),
            }
        )
        self.root = ""
        self.strayed: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.root or event != "open" or not isinstance(arguments[0], (str, bytes, os.PathLike)):
            return
        path = os.path.realpath(os.fsdecode(arguments[0]))
        mode = arguments[1] if isinstance(arguments[1], str) else ""
        inside = path == self.root or path.startswith(self.root + "/")
        reads = not set(mode) & set("wax+")
        if not inside and not (reads and (path + "/").startswith(self.trusted) and not path.startswith(self.work)):
            self.strayed.append(f"{path} ({mode or 'flags'})")


def main(seed: str, first: int, count: int, work: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parent))
    from fuzz_mutations import OUTSIDE, mutated
    from fuzz_readers import READERS, clip, picture, saved

    warnings.simplefilter("ignore")
    names = list(READERS)
    outside = work / OUTSIDE
    if not outside.exists():
        outside.mkdir(parents=True)
        (outside / "secret.png").write_bytes(saved(picture(), "PNG"))
        (outside / "secret.mp4").write_bytes(clip(sound=None))
        (outside / "secret.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nSecret?\n", encoding="utf-8")
    watch = Watch(work)
    sys.addaudithook(watch)

    def too_slow(*_: object) -> None:
        raise TooSlowError

    signal.signal(signal.SIGPROF, too_slow)
    _limit_memory()
    for number in range(first, first + count):
        name = names[number % len(names)]
        reader = READERS[name]
        made = work / "made" / name
        if not made.exists():
            made.mkdir(parents=True)
            reader.make(made)
        root = work / "root"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(made, root)
        (root / "link").symlink_to(outside, target_is_directory=True)
        rng = random.Random(f"{seed}/{number}")
        files = sorted(path for path in root.rglob(reader.damaged) if path.is_file() and OUTSIDE not in path.parts)
        files = [path for path in files if "link" not in path.relative_to(root).parts]
        damaged = rng.choice(files)
        damaged.write_bytes(mutated(damaged.read_bytes(), damaged.suffix, rng, outside=str(work)))
        about = {"case": number, "reader": name, "file": str(damaged.relative_to(root))}
        print(json.dumps({**about, "began": True}), flush=True)
        before, watch.strayed = _peak(), []
        start = time.monotonic()
        faulthandler.dump_traceback_later(STUCK, exit=True)
        watch.root = os.path.realpath(root)
        try:
            outcome, note = _outcome(reader.read, root, damaged)
        finally:
            watch.root = ""
            faulthandler.cancel_dump_traceback_later()
        about |= {"seconds": round(time.monotonic() - start, 3), "peak": _peak(), "grew": _peak() - before}
        if watch.strayed:
            outcome, note = "strayed", ", ".join(watch.strayed[:3])
        print(json.dumps({**about, "outcome": outcome, "note": note}), flush=True)


def _outcome(read: Any, root: Path, damaged: Path) -> tuple[str, str]:
    """``read``, ``refused`` by an error that says why, or what must not happen."""
    from wherewise.samples.errors import InputError

    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        read(root, damaged)
    except InputError as error:
        return "refused", str(error)[:300]
    except TooSlowError:
        return "slow", _where()
    except Exception as error:
        return "crashed", f"{type(error).__name__}: {str(error)[:300]}\n{_where()}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "read", ""


def _where() -> str:
    frames = traceback.extract_tb(sys.exc_info()[2])
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))[:500]


def _peak() -> int:
    """Largest resident size so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _limit_memory() -> None:
    """No case may get more than `MEMORY`; what the libraries have mapped until now is not counted."""
    import av  # noqa: F401
    import PIL.Image
    import pyarrow.parquet  # noqa: F401

    import wherewise.evaluation.load
    import wherewise.lessons.build
    import wherewise.scenes.simulate.sidecar  # noqa: F401

    PIL.Image.init()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
