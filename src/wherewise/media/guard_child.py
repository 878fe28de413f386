"""The process that decodes for `wherewise.media.guard`."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from wherewise.media.errors import MediaError
from wherewise.media.video import Decoder, load_frames
from wherewise.samples.media import Video

WATCH_SECONDS = 5.0
"""Between two looks whether the parent is still there."""


def watch(parent: int) -> None:
    """End this process, whatever it is doing, once its parent has ended."""
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(0)


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answer requests until there are no more."""
    target.write(b"ready\n")
    target.flush()
    for line in iter(source.readline, b""):
        request = json.loads(line)
        data = None if request["bytes"] is None else source.read(request["bytes"])
        answer(request, data, target)
        target.flush()


def answer(request: dict[str, Any], data: bytes | None, target: BinaryIO) -> None:
    """Decode what is asked for; write the frames, or why there are none."""
    times = request["frame_times"]
    video = Video(
        path=request["path"],
        data=data,
        start=request["start"],
        end=request["end"],
        frame_times=None if times is None else tuple(times),
    )
    root = None if request["root"] is None else Path(request["root"])
    wish = request["wish"] | {"decoder": Decoder(request["wish"].get("decoder", "pyav"))}
    try:
        frames = load_frames(video, root, sample_id=request["sample_id"], **wish)
    except MediaError as error:  # the parent raises it
        reply = {"message": error.message, "fix": error.fix, "file": error.file}
        target.write(json.dumps(reply).encode() + b"\n")
        return
    head = {"shape": frames.array.shape, "times": frames.times}
    target.write(json.dumps(head).encode() + b"\n")
    target.write(np.ascontiguousarray(frames.array).data)


if __name__ == "__main__":
    threading.Thread(target=watch, args=(int(sys.argv[1]),), daemon=True).start()
    serve(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
