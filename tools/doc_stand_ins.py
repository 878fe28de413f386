"""Small files in published layouts, for the commands of the docs when nobody has the real data at hand.

    python tools/doc_stand_ins.py blink path/to/BLINK

What is in them is painted, simulated or taken from the test fixtures; a score on them says that a command works, and
nothing else. `tools/run_doc_blocks.py` calls this where a page says so (``<!-- first: ... -->``).
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[1] / "tests" / "scenes" / "fixtures"
SUBSETS = ("Relative_Depth", "Spatial_Relation")


def picture(shade: int, size: tuple[int, int] = (96, 64)) -> bytes:
    """A PNG with a gradient, so that looks can be compared."""
    import numpy as np
    import PIL.Image

    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    pixels = np.stack([(columns * (shade % 5 + 1)) % 256, (rows * 3 + shade) % 256, (rows + columns) % 256], -1)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def blink(target: Path) -> None:
    """BLINK: ``{subset}/val-00000-of-00001.parquet`` of two subsets."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    kinds: list[tuple[str, Any]] = [
        *((name, pa.string()) for name in ("idx", "sub_task", "question", "prompt", "answer", "explanation")),
        ("choices", pa.list_(pa.string())),
        *((f"image_{place}", image) for place in range(1, 5)),
    ]
    for subset in SUBSETS:
        rows = []
        for number in range(1, 9):
            shown = {"bytes": picture(number), "path": None}
            rows.append(
                {
                    "idx": f"val_{subset}_{number}",
                    "sub_task": subset,
                    "question": f"Is the car beneath the cat of picture {number}?",
                    "prompt": f"Is the car beneath the cat of picture {number}?\n(A) yes\n(B) no",
                    "answer": "(A)" if number % 2 else "(B)",
                    "explanation": "",
                    "choices": ["yes", "no"],
                    "image_1": shown,
                    **{f"image_{place}": None for place in range(2, 5)},
                }
            )
        (target / subset).mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist(rows, schema=pa.schema(kinds))
        pq.write_table(table, target / subset / "val-00000-of-00001.parquet")


def replies(target: Path) -> None:
    """A reply to each of BLINK's stand-ins, as JSON lines."""
    names = [f"val_{subset}_{number}" for subset in SUBSETS for number in range(1, 9)]
    target.write_text("".join(json.dumps({"id": name, "reply": "(A)"}) + "\n" for name in names), encoding="utf-8")


def scans(target: Path) -> None:
    """Scene metadata of scans in VSI-Bench's schema, with a clip each, under ``meta_info`` and ``videos``."""
    import numpy as np

    from wherewise.media import encode_video

    (target / "meta_info").mkdir(parents=True, exist_ok=True)
    for path in (FIXTURES / "scans").glob("*.json"):
        shutil.copy(path, target / "meta_info")
        clip = encode_video(np.zeros((4, 64, 64, 3), np.uint8), 4)
        folder = target / "videos" / path.name.partition("_")[0]
        folder.mkdir(parents=True, exist_ok=True)
        for scene in json.loads(path.read_text(encoding="utf-8")):
            (folder / f"{scene}.mp4").write_bytes(clip)


def vsi(target: Path) -> None:
    """VSI-Bench's question file: the columns that name its scenes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    target.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"id": n, "dataset": "scannet", "scene_name": f"scene{9100 + n}_00", "question_type": "object_counting",
         "question": "How many chairs are there?", "options": None, "ground_truth": "2"}
        for n in range(3)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), target)


def clevr(target: Path) -> None:
    """CLEVR's scenes file of a split and its pictures."""
    import PIL.Image

    source = json.loads((FIXTURES / "graphs" / "CLEVR_val_scenes.json").read_text(encoding="utf-8"))
    for scene in source["scenes"]:
        path = target / "images" / "train" / scene["image_filename"]
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("RGB", (480, 320), "white").save(path)
    (target / "scenes").mkdir(exist_ok=True)
    (target / "scenes" / "CLEVR_train_scenes.json").write_text(json.dumps(source), encoding="utf-8")


def nlvr(target: Path) -> None:
    """NLVR's ``dev.jsonl`` and its pictures."""
    import PIL.Image

    from wherewise.scenes.graphs.nlvr import nlvr_picture

    lines = (FIXTURES / "graphs" / "nlvr.jsonl").read_text(encoding="utf-8")
    for line in lines.splitlines():
        path = target / nlvr_picture(json.loads(line))
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("RGB", (400, 100), "white").save(path)
    (target / "dev.jsonl").write_text(lines, encoding="utf-8")


def episodes(target: Path) -> None:
    """Two episodes with subtitles."""
    from wherewise.cli.recipe_stand_ins import write_episodes

    write_episodes(target)


def lessons(target: Path) -> None:
    """The config of docs/lessons.md for two episodes beside it."""
    episodes(target.parent / "shows")
    target.write_text(
        "root: shows\n"
        "videos: '(?P<season>S\\d+)/(?P<episode>.+)\\.(mp4|mkv)'\n"
        "subtitles: '{season}/{episode}.srt'\n"
        "out: data/lessons\n"
        "choices: 0\n",
        encoding="utf-8",
    )


def labels(target: Path) -> None:
    """A label file of a show in DORA's layout."""
    entry = {
        "question_text": "Where does the fox hide?",
        "question_start_ts": "00:00:01",
        "pause_start": "00:00:02",
        "pause_end": "00:00:05",
        "has_answer": True,
        "answer_text": "Under the bench.",
        "answer_start_ts": "00:00:05",
    }
    (target / "S1").mkdir(parents=True, exist_ok=True)
    (target / "S1" / "episode0_formatted.json").write_text(json.dumps([entry]), encoding="utf-8")


KINDS: dict[str, Callable[[Path], None]] = {
    "blink": blink,
    "replies": replies,
    "scans": scans,
    "vsi": vsi,
    "clevr": clevr,
    "nlvr": nlvr,
    "episodes": episodes,
    "lessons": lessons,
    "labels": labels,
}

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in KINDS:
        sys.exit(f"usage: python {sys.argv[0]} {'|'.join(KINDS)} TARGET")
    KINDS[sys.argv[1]](Path(sys.argv[2]))
