"""The cheapest way to a clip's wanted frames, decided from the container's index before anything is decoded.

A frame can be decoded only from a keyframe on. So the wanted frames fall into *runs*: each starts at a keyframe, feeds
every packet up to its last wanted frame, and ends. Between two wanted frames the decoder either runs on or jumps to a
later keyframe; a jump pays where the frames that it leaves out cost more than the jump itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wherewise.media.container import Index

FRAME_SECONDS = 1e-4
"""Decoding a frame takes about so long on one core, ..."""

PIXEL_SECONDS = 1.2e-9
"""... and so long for each of its pixels, ..."""

BYTE_SECONDS = 3e-8
"""... and for each byte of its packet. ``benchmarks/decode.py --costs`` measures all four."""

JUMP_SECONDS = 4e-4
"""Seeking to a keyframe and starting the decoder anew."""


class Strategy(StrEnum):
    """How frames are reached."""

    AUTO = "auto"
    """The cheapest by the index."""
    SEEK = "seek"
    """A jump for every wanted frame."""
    SEQUENTIAL = "sequential"
    """From the first frame of the file to the last wanted one, without a jump."""
    KEYFRAMES = "keyframes"
    """Keyframes alone; the plan for wishes that are all keyframes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A stretch that is decoded without a jump.

    Attributes:
        key: Number of the keyframe that it starts at (`Index.keys`).
        wanted: Positions of its wanted frames, ascending.
    """

    key: int
    wanted: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Runs in order, and what they amount to.

    Attributes:
        runs: The runs; their wanted frames ascend.
        strategy: What the plan is: all keyframes, one run, or several.
        decoded: Frames between the start of each run and its last wanted frame; the decoder works on at most these.
        seconds: Estimated seconds on one core.
    """

    runs: tuple[Run, ...]
    strategy: Strategy
    decoded: int
    seconds: float


def frame_seconds(index: Index, pixels: int) -> float:
    """Estimated seconds to decode a mean frame of this clip."""
    count = max(len(index.pts), 1)
    return FRAME_SECONDS + PIXEL_SECONDS * pixels + BYTE_SECONDS * index.size / count


def plan(index: Index, wanted: Sequence[int], *, pixels: int, strategy: Strategy = Strategy.AUTO) -> Plan:
    """Runs that reach the wanted frames.

    Args:
        index: The clip's frames.
        wanted: Positions, ascending, none twice, at least one.
        pixels: Pixels of a frame.
        strategy: ``auto``, or one of ``seek`` and ``sequential`` whatever it costs.

    Raises:
        ValueError: ``keyframes`` is asked for, and a wanted frame is none.
    """
    if strategy is Strategy.KEYFRAMES and not all(index.is_key(position) for position in wanted):
        raise ValueError("a wanted frame is no keyframe: choose frames with `keyframes=True`")
    each = frame_seconds(index, pixels)
    runs: list[Run] = []
    reached = 0
    for position in wanted:
        key = index.key_before(position)
        skipped = index.key_position(key) - reached
        jumps = {
            Strategy.AUTO: skipped * each > JUMP_SECONDS,
            Strategy.SEEK: True,
            Strategy.SEQUENTIAL: False,
            Strategy.KEYFRAMES: skipped > 0,
        }[strategy]
        if jumps:
            runs.append(Run(key=key, wanted=(position,)))
        elif runs:
            runs[-1] = Run(key=runs[-1].key, wanted=(*runs[-1].wanted, position))
        else:
            runs.append(Run(key=0, wanted=(position,)))
        reached = position + 1
    decoded = sum(run.wanted[-1] + 1 - index.key_position(run.key) for run in runs)
    return Plan(
        runs=tuple(runs),
        strategy=_kind(index, runs),
        decoded=decoded,
        seconds=decoded * each + len(runs) * JUMP_SECONDS,
    )


def _kind(index: Index, runs: Sequence[Run]) -> Strategy:
    if all(len(run.wanted) == 1 and index.keys[run.key] == index.pts[run.wanted[0]] for run in runs):
        return Strategy.KEYFRAMES
    if len(runs) == 1 and runs[0].key == 0:
        return Strategy.SEQUENTIAL
    return Strategy.SEEK
