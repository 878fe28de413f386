"""A decode that hangs or crashes is ended; its file is named and set aside; nothing else suffers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from wherewise.media import MediaError, ReadingConfig, encode_video, guard, load_frames, read_clip
from wherewise.media.guard import ASIDE, DecodeKilled, load_within
from wherewise.samples import Video

pytest.importorskip("av", reason="PyAV is not installed")

SABOTAGE = """
import os, time
from wherewise.media import container
opened = container.opened
def sabotaged(video, *rest):
    if "hangs" in (video.path or ""):
        time.sleep(600)
    if "crashes" in (video.path or ""):
        os.abort()
    return opened(video, *rest)
import wherewise.media.video
wherewise.media.video.opened = sabotaged
"""
"""Stands in for a decoder that a file sends astray: no file is known that does so to every FFmpeg."""


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = encode_video(np.random.default_rng(2).integers(0, 256, (12, 32, 48, 3), dtype=np.uint8), 4)
    for name in ("good", "hangs", "crashes"):
        (tmp_path / f"{name}.mp4").write_bytes(data)
    (tmp_path / "cut.mp4").write_bytes(data[:-50])
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "sitecustomize.py").write_text(SABOTAGE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "python"))
    monkeypatch.setattr(guard, "_seen", {})
    guard._stop()
    yield tmp_path
    guard._stop()


def test_hangs_and_crashes_are_ended_and_set_aside(clips: Path) -> None:
    aside = clips / "kept"
    ours = load_frames(Video(path="good.mp4"), clips, fps=2)
    theirs = load_within(Video(path="good.mp4"), clips, seconds=60, wish={"fps": 2})
    assert theirs.times == ours.times
    assert (theirs.array == ours.array).all()
    child = guard._child()._process.pid
    with pytest.raises(MediaError, match=r"s1.*cut\.mp4: the clip is truncated\. Fix: copy or download it again"):
        load_within(Video(path="cut.mp4"), clips, seconds=60, wish={}, sample_id="s1")
    assert guard._child()._process.pid == child  # a plain error ends nothing
    with pytest.raises(DecodeKilled, match=r"s2.*hangs\.mp4: decoding took more than 0\.3 s and was stopped\. Fix"):
        load_within(Video(path="hangs.mp4"), clips, seconds=0.3, wish={}, aside=aside, sample_id="s2")
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    with pytest.raises(DecodeKilled, match=r"crashes\.mp4: its decoder crashed \(exit code -6\)"):
        load_within(Video(path="crashes.mp4"), clips, seconds=60, wish={}, aside=aside)
    records = [json.loads(line) for line in (aside / ASIDE).read_text().splitlines()]
    assert [record["file"] for record in records] == ["hangs.mp4", "crashes.mp4"]
    began = time.monotonic()
    with pytest.raises(DecodeKilled, match=r"hangs\.mp4: set aside: decoding took more than 0\.3 s"):
        load_within(Video(path="hangs.mp4"), clips, seconds=600, wish={}, aside=aside)
    assert time.monotonic() - began < 300  # not tried again
    data = load_within(Video(data=(clips / "good.mp4").read_bytes()), None, seconds=60, wish={"max_frames": 3})
    assert len(data.times) == 3
    config = ReadingConfig(timeout=60, cache=aside)
    assert read_clip(Video(path="good.mp4"), clips, config, fps=2).times == ours.times


def test_a_file_that_was_mended_is_tried_again(clips: Path) -> None:
    aside = clips / "kept"
    with pytest.raises(DecodeKilled, match="took more than"):
        load_within(Video(path="hangs.mp4"), clips, seconds=0.2, wish={}, aside=aside)
    shutil.rmtree(clips / "python")
    os.utime(clips / "hangs.mp4", (1, 1))
    assert len(load_within(Video(path="hangs.mp4"), clips, seconds=60, wish={}, aside=aside).times) == 12


@pytest.mark.slow
def test_the_child_ends_with_its_parent(clips: Path) -> None:
    code = (
        "import os; from pathlib import Path; from wherewise.media import guard; from wherewise.samples import Video\n"
        f"guard.load_within(Video(path='good.mp4'), Path({str(clips)!r}), seconds=60, wish={{}})\n"
        "print(guard._child()._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    child = int(done.stdout)
    for _ in range(600):
        if not Path(f"/proc/{child}").exists() or " Z " in Path(f"/proc/{child}/stat").read_text():
            return
        time.sleep(0.1)
    pytest.fail("the child is still there")
