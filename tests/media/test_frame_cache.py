"""Decoded frames on disk: by content, whole or not at all, never more than the limit."""

from __future__ import annotations

import multiprocessing
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from wherewise.media import Frames, MediaError, ReadingConfig, encode_video, read_clip
from wherewise.media.frame_cache import DRAFT_SECONDS, SUFFIX, FrameCache
from wherewise.samples import Video

pytest.importorskip("av", reason="PyAV is not installed")


def frames(value: int, count: int = 4) -> Frames:
    return Frames(array=np.full((count, 10, 20, 3), value, np.uint8), times=tuple(i / 3 for i in range(count)))


def same(one: Frames | None, other: Frames) -> bool:
    return one is not None and one.times == other.times and bool((one.array == other.array).all())


def test_what_is_put_comes_back(tmp_path: Path) -> None:
    cache = FrameCache(tmp_path / "kept", 10**6)
    key = cache.key("abc", {"fps": 2.0})
    assert cache.get(key) is None
    assert cache.put(key, frames(3))
    assert same(FrameCache(tmp_path / "kept", 10**6).get(key), frames(3))
    assert cache.key("abc", {"fps": 1.0}) != key != cache.key("abd", {"fps": 2.0})


def test_the_limit_holds_and_the_latest_used_stay(tmp_path: Path) -> None:
    one = 4 * 10 * 20 * 3 + 1000
    cache = FrameCache(tmp_path, 4 * one)
    keys = [cache.key(str(i), {}) for i in range(12)]
    for i, key in enumerate(keys):
        assert cache.put(key, frames(i))
        os.utime(tmp_path / f"{key}{SUFFIX}", (1000 + i, 1000 + i))
        assert cache.usage().size <= 4 * one
        if i == 3:
            assert same(cache.get(keys[0]), frames(0))  # used now, later than all others
    assert cache.usage().entries >= 3
    assert same(cache.get(keys[0]), frames(0))
    assert same(cache.get(keys[11]), frames(11))
    assert cache.get(keys[1]) is None
    assert not FrameCache(tmp_path, 100).put("large", frames(1))


def test_a_damaged_entry_is_decoded_anew(tmp_path: Path) -> None:
    cache = FrameCache(tmp_path, 10**6)
    for harm in ("half", "flipped", "empty"):
        cache.put("k", frames(5))
        path = tmp_path / f"k{SUFFIX}"
        data = path.read_bytes()
        path.write_bytes({"half": data[: len(data) // 2], "flipped": data[:400] + b"x" * 9 + data[409:]}.get(harm, b""))
        assert cache.get("k") is None
        assert not path.exists()


def test_drafts_of_killed_writers_are_cleared_and_live_ones_left(tmp_path: Path) -> None:
    cache = FrameCache(tmp_path, 5000)
    for name, age in (("old.tmp", DRAFT_SECONDS + 60), ("new.tmp", 0)):
        (tmp_path / name).write_bytes(bytes(3000))
        now = (tmp_path / name).stat().st_mtime
        os.utime(tmp_path / name, (now - age, now - age))
    assert cache.put("k", frames(1))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"k{SUFFIX}", "new.tmp"]


def _churn(folder: str, seed: int) -> None:
    cache = FrameCache(Path(folder), 20_000)
    rng = np.random.default_rng(seed)
    for _ in range(60):
        i = int(rng.integers(12))
        found = cache.get(f"k{i}")
        assert found is None or same(found, frames(i))
        cache.put(f"k{i}", frames(i))


def test_processes_may_share_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_churn, args=(str(tmp_path), seed)) for seed in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert FrameCache(tmp_path, 20_000).usage().size <= 20_000 + 3 * 3000


def test_clips_are_kept_by_content(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    data = encode_video(rng.integers(0, 256, (12, 32, 48, 3), dtype=np.uint8), 4)
    (tmp_path / "a.mp4").write_bytes(data)
    shutil.copy(tmp_path / "a.mp4", tmp_path / "b.mp4")
    config = ReadingConfig(cache=tmp_path / "kept", cache_mb=1)
    cache = FrameCache(tmp_path / "kept", 10**6)
    first = read_clip(Video(path="a.mp4"), tmp_path, config, fps=2)
    assert cache.usage().entries == 1
    assert same(read_clip(Video(path="b.mp4"), tmp_path, config, fps=2), first)
    assert same(read_clip(Video(data=data), None, config, fps=2), first)
    assert cache.usage().entries == 1
    read_clip(Video(path="a.mp4"), tmp_path, config, fps=1)
    read_clip(Video(path="a.mp4", start=1.0), tmp_path, config, fps=2)
    read_clip(Video(path="a.mp4"), tmp_path, config.model_copy(update={"max_pixels": 1024}), fps=2)
    assert cache.usage().entries == 4
    changed = encode_video(rng.integers(0, 256, (12, 32, 48, 3), dtype=np.uint8), 4)
    (tmp_path / "a.mp4").write_bytes(changed)
    assert not same(read_clip(Video(path="a.mp4"), tmp_path, config, fps=2), first)
    (tmp_path / "a.mp4").write_bytes(b"")
    with pytest.raises(MediaError, match=r"a\.mp4: the file is empty"):
        read_clip(Video(path="a.mp4"), tmp_path, config, fps=2)
