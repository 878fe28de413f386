"""What ``recipe run --tiny`` uses in place of data that nobody may ship: made-up episodes, and benchmarks in miniature.

A stand-in has the published layout (columns, file names), so that the step runs as it would on the real files. Its
questions are simulated; a score on them says that the commands work, and nothing else.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wherewise.samples import Choice, Image, Number, Sample, Video
from wherewise.samples.errors import InputError
from wherewise.samples.store import read_dataset

MOST = 8
"""Questions of a stand-in."""

VSI_TYPES = {
    "absolute_distance": "object_abs_distance",
    "object_count": "object_counting",
    "object_size": "object_size_estimation",
    "room_size": "room_size_estimation",
    "relative_distance": "object_rel_distance",
    "relative_direction_easy": "object_rel_direction_easy",
    "relative_direction_medium": "object_rel_direction_medium",
    "relative_direction_hard": "object_rel_direction_hard",
    "appearance_order": "obj_appearance_order",
    "temporal_order": "obj_appearance_order",
    "route_planning": "route_planning",
}
"""Question families by VSI-Bench's names."""


def make_benchmark(name: str, data: Path, out: Path) -> None:
    """Write a benchmark's stand-in.

    Args:
        name: The benchmark.
        data: Dataset that its questions are taken from.
        out: Folder to write.

    Raises:
        InputError: There is no stand-in for the benchmark, or nothing to make it of.
    """
    if name not in STAND_INS:
        raise InputError(f"there is no stand-in for {name}; known: {', '.join(STAND_INS)}")
    out.mkdir(parents=True, exist_ok=True)
    STAND_INS[name](data, out)


def chosen(data: Path, fits: Callable[[Sample], bool]) -> list[Sample]:
    """The first fitting samples of a dataset, of its test split where it has one.

    Raises:
        InputError: None fits.
    """
    found = list(itertools.islice((s for s in read_dataset(data) if s.split == "test" and fits(s)), MOST))
    found = found or list(itertools.islice((s for s in read_dataset(data) if fits(s)), MOST))
    if not found:
        raise InputError(f"{data} has no question that the stand-in can ask; make more data")
    return found


def picture_bytes(sample: Sample, root: Path) -> bytes:
    """The bytes of a sample's picture."""
    from wherewise.media import open_medium

    with open_medium(sample.media[0], root, sample_id=sample.id) as stream:
        return stream.read()


def vsi_bench(data: Path, out: Path) -> None:
    """VSI-Bench: ``test.jsonl`` and ``scannet/SCENE.mp4``."""
    from wherewise.formats.spatial_r1 import compose_vsi
    from wherewise.media import open_medium

    def fits(sample: Sample) -> bool:
        return isinstance(sample.media[0], Video) and isinstance(sample.answer, (Choice, Number))

    rows = []
    for number, sample in enumerate(chosen(data, fits)):
        scene = out / "scannet" / f"scene{number:04d}_00.mp4"
        scene.parent.mkdir(exist_ok=True)
        with open_medium(sample.media[0], data, sample_id=sample.id) as stream:
            scene.write_bytes(stream.read())
        kind = VSI_TYPES.get(sample.task, "obj_appearance_order" if sample.options else "object_counting")
        row = compose_vsi(dataclasses.replace(sample, id=str(number), task=kind, group=f"scannet/{scene.stem}"))
        rows.append(row)
    write_lines(out / "test.jsonl", rows)


def stvqa(data: Path, out: Path) -> None:
    """STVQA-7K: ``val-00000-of-00001.parquet``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from wherewise.formats.stvqa import compose

    rows = []
    for sample in chosen(data, lambda s: isinstance(s.answer, Choice) and isinstance(s.media[0], Image)):
        picture = dataclasses.replace(sample.media[0], path=None, data=picture_bytes(sample, data))
        rows.append(compose(dataclasses.replace(sample, media=(picture,), facts={})))
    pq.write_table(pa.Table.from_pylist(rows), out / "val-00000-of-00001.parquet")


def cv_bench(data: Path, out: Path) -> None:
    """CV-Bench: ``test_2d.parquet`` and ``test_3d.parquet``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    samples = chosen(data, lambda s: isinstance(s.answer, Choice) and isinstance(s.media[0], Image))
    half = math.ceil(len(samples) / 2)
    for kind, part in (("2D", samples[:half]), ("3D", samples[half:])):
        rows = []
        for number, sample in enumerate(part):
            answer = sample.answer
            assert isinstance(answer, Choice)
            options = "".join(f"\n({chr(65 + i)}) {option}" for i, option in enumerate(sample.options))
            rows.append(
                {
                    "idx": number,
                    "type": kind,
                    "task": "Relation" if kind == "2D" else "Depth",
                    "image": {"bytes": picture_bytes(sample, data), "path": None},
                    "question": sample.question,
                    "choices": list(sample.options),
                    "answer": f"({answer.letter})",
                    "prompt": f"{sample.question} Select from the following choices.{options}",
                    "source": ("ADE20K", "COCO")[number % 2] if kind == "2D" else "Omni3D",
                }
            )
        if rows:
            pq.write_table(pa.Table.from_pylist(rows), out / f"test_{kind.lower()}.parquet")


def dora_mcq(data: Path, out: Path) -> None:
    """DORA's multiple choice: ``mcq_dataset.jsonl`` with frames under ``frames/``."""
    samples = chosen(data, lambda s: bool(s.media))
    answers = sorted({getattr(s.answer, "value", getattr(s.answer, "text", "")) for s in samples})
    rows = []
    for number, sample in enumerate(samples):
        answer = getattr(sample.answer, "value", getattr(sample.answer, "text", ""))
        others = [text for text in (*answers, "Home", "A star", "The river") if text != answer][:3]
        choices = sorted([answer, *others])
        (out / "frames").mkdir(exist_ok=True)
        name = f"frames/{number}.jpg"
        (out / name).write_bytes(picture_bytes(sample, data))
        transcript, _, asked = sample.question.rpartition("\n\n")
        place = choices.index(answer)
        rows.append(
            {
                "transcript": transcript.removeprefix("Transcript:\n"),
                "question": asked,
                "answer": answer,
                "choices": choices,
                "correct_index": place,
                "correct_choice": "ABCD"[place],
                "num_choices": 4,
                "images": [name],
                "season": 1,
                "episode": sample.group,
                "entry_id": sample.id,
                **{key: value for key, value in sample.facts.items() if isinstance(value, (str, bool))},
            }
        )
    write_lines(out / "mcq_dataset.jsonl", rows)


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


STAND_INS: dict[str, Callable[[Path, Path], None]] = {
    "vsi-bench": vsi_bench,
    "stvqa-7k": stvqa,
    "cv-bench": cv_bench,
    "dora-mcq": dora_mcq,
}
"""Makers of stand-ins: (dataset, folder)."""

_LINES = (
    ("We have to get to the tall mountain!", None),
    ("Do you see the bridge?", "Behind the tree!"),
    ("How many stars are in the sky?", "Five stars!"),
    ("Where does the fox hide?", "Under the bench."),
    ("Which way should we go?", "Over the hill!"),
)


def write_episodes(root: Path, episodes: int = 2) -> None:
    """Two episodes of pictures that change color, with subtitles: questions, pauses, answers."""
    import numpy as np

    from wherewise.media import encode_video

    for number in range(episodes):
        folder = root / "S1"
        folder.mkdir(parents=True, exist_ok=True)
        text, time, cue = io.StringIO(), 1.0, 0
        for asked, answer in _LINES:
            for said, pause in ((asked, 3.0 if answer else 0.5), (answer, 1.0)):
                if said is not None:
                    cue += 1
                    text.write(f"{cue}\n{_stamp(time)} --> {_stamp(time + 1.5)}\n{said}\n\n")
                    time += 1.5 + pause
        frames = np.zeros((math.ceil(time) * 2, 96, 128, 3), np.uint8)
        for k in range(len(frames)):
            frames[k, :, : 8 + 120 * k // len(frames)] = (40 + 80 * number, 200 - k % 160, k % 250)
        (folder / f"episode{number}.mp4").write_bytes(encode_video(frames, 2.0))
        (folder / f"episode{number}.srt").write_text(text.getvalue(), encoding="utf-8")


def _stamp(time: float) -> str:
    return f"00:00:{int(time):02d},{round(time % 1 * 1000):03d}"
