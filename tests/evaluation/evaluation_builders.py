"""Samples, benchmarks and predictions for the evaluation tests."""

from __future__ import annotations

import io
from pathlib import Path

import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq

from wherewise.answers.styles import PromptStyle
from wherewise.evaluation.load import Benchmark, dataset_hash
from wherewise.evaluation.providers import Reply
from wherewise.evaluation.records import Prediction
from wherewise.evaluation.scoring import score_reply
from wherewise.evaluation.specs import get_benchmark
from wherewise.samples import Answer, Choice, Image, Sample

BLINK_DATA = Path(__file__).parents[2].parent / "shared" / "data" / "blink"


def png(color: tuple[int, int, int] = (200, 30, 30), size: tuple[int, int] = (64, 48)) -> bytes:
    stream = io.BytesIO()
    PIL.Image.new("RGB", size, color).save(stream, "PNG")
    return stream.getvalue()


def choice_sample(
    sample_id: str, *, gold: str = "A", task: str = "left_right", group: str = "", media: tuple[Image, ...] = ()
) -> Sample:
    options = ("left", "right")
    return Sample(
        id=sample_id,
        media=media,
        question="Where is the cup?",
        options=options,
        answer=Choice(letter=gold, text=options["AB".index(gold)]),
        task=task,
        group=group or sample_id,
        split="test",
    )


def open_sample(sample_id: str, answer: Answer, *, task: str) -> Sample:
    return Sample(id=sample_id, media=(), question="?", answer=answer, task=task, group=sample_id, split="test")


def predict(sample: Sample, reply: str, *, error: str | None = None, truncated: bool = False) -> Prediction:
    return score_reply(sample, Reply(text=reply, error=error, truncated=truncated, tokens=3), PromptStyle.DIRECT)


def benchmark_of(samples: list[Sample], root: Path) -> Benchmark:
    return Benchmark(
        spec=get_benchmark("dataset"),
        samples=tuple(samples),
        root=root,
        notes=(),
        dataset_hash=dataset_hash(samples, root),
    )


def blink_row(number: int, **changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "idx": f"val_Spatial_Relation_{number}",
        "question": "Is the car beneath the cat?",
        "sub_task": "Spatial_Relation",
        "image_1": {"bytes": png((number, 0, 0)), "path": "image.jpg"},
        "image_2": None,
        "image_3": None,
        "image_4": None,
        "choices": ["yes", "no"],
        "answer": "(B)",
        "prompt": "Is the car beneath the cat?\nSelect from the following choices.\n(A) yes\n(B) no",
    }
    return row | changes


def write_blink(folder: Path, rows: list[dict[str, object]], subset: str = "Spatial_Relation") -> Path:
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    types = {f"image_{i}": picture for i in range(1, 5)} | {"choices": pa.list_(pa.string())}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in rows[0]])
    (folder / subset).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / subset / "val-00000-of-00001.parquet")
    return folder
