"""A short episode: pictures whose brightness is the time, speech that is a tone, silence while the viewers think."""

from __future__ import annotations

from pathlib import Path

import numpy as np

RATE = 16_000
LINES = (
    (1.0, 3.0, "We have to get to the tall mountain!"),
    (4.0, 6.0, "Do you see the bridge? Is it behind the rock"),
    (6.2, 8.0, "or behind the tree?"),
    (11.5, 13.0, "Right! Behind the tree!"),
    (13.2, 14.5, "Great job! <i>Muy bien!</i>"),
    (18.0, 20.0, "How many stars are in the sky?"),
    (20.5, 21.5, "[music playing]"),
    (24.0, 25.5, "Five stars! ¡Cinco!"),
    (28.0, 30.0, "The fox hides under the old bench."),
    (31.0, 33.0, "Where does the fox hide?"),
    (36.5, 38.0, "Under the old bench."),
    (41.0, 43.0, "Which way should we go?"),
    (43.3, 45.0, "Let's go over the hill together and then on to the river my friends."),
    (48.0, 50.0, "Can you say open?"),
    (53.0, 54.0, "Open!"),
)
"""(start, end, text) of every cue."""
LENGTH = 58.0


def srt(lines: tuple[tuple[float, float, str], ...] = LINES) -> str:
    def stamp(time: float) -> str:
        return f"00:{int(time) // 60:02d}:{int(time) % 60:02d},{round(time % 1 * 1000):03d}"

    return "".join(f"{k}\n{stamp(a)} --> {stamp(b)}\n{text}\n\n" for k, (a, b, text) in enumerate(lines, 1))


def write_episode(path: Path, lines: tuple[tuple[float, float, str], ...] = LINES, *, sound: bool = True) -> None:
    """An MP4 of 4 frames a second; tones while somebody speaks."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=4)
        pictures.width, pictures.height, pictures.pix_fmt = 96, 64, "yuv420p"
        pictures.options = {"crf": "10"}
        track = container.add_stream("aac", rate=RATE) if sound else None
        for k in range(int(LENGTH * 4)):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), k, np.uint8), format="rgb24")
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode(None))
        if track is None:
            return
        time = np.arange(int(LENGTH * RATE)) / RATE
        loud = np.zeros(len(time), np.float32)
        for start, end, text in lines:
            if not text.startswith("["):
                inside = (time >= start) & (time < end)
                loud[inside] = 0.4 * np.sin(2 * np.pi * 220 * time[inside])
        for start in range(0, len(loud), 1024):
            piece = loud[start : start + 1024].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
