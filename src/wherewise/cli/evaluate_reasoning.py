"""``wherewise eval reasoning``: do answers follow from their reasoning, and does that rest on what is to be seen?"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wherewise.evaluation.load import Benchmark
    from wherewise.evaluation.reasoning import ReasoningRow
    from wherewise.evaluation.records import Prediction
    from wherewise.judge import JudgeConfig
    from wherewise.samples import Sample

_PICTURES = 8
"""Most pictures of a sample that a judge is shown."""


def reasoning(
    folder: Annotated[Path, typer.Argument(help="Folder of an 'eval run' with <think> replies.", show_default=False)],
    judge: Annotated[
        Path | None, typer.Option(help="Config file with a section 'judge:'; asks it too, not rules alone.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="With --judge: the benchmark's files; the judge then checks statements against pictures."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help='JSONL of known values, {"id": ..., "same_answer": 0 or 1, ...} a line: how far they agree.'),
    ] = None,
) -> None:
    """How answers follow from reasoning: by rule, and by a judge with --judge; into reasoning.json and reasoning.jsonl.

    Prints Video-R2's definitions of think-answer consistency by name, over the replies that could be judged and over
    all as published; with a judge its verdicts, how far its claims are visual, and how far rule and judge agree.
    """
    from wherewise.answers.styles import PromptConfig
    from wherewise.evaluation.agreement import agreement
    from wherewise.evaluation.reasoning import reasoning_lines, reasoning_record, reasoning_rows
    from wherewise.evaluation.runner import read_run, write_json
    from wherewise.rewards.conclusion import conclusion_of
    from wherewise.samples.errors import InputError

    if data is not None and judge is None:
        raise InputError("--data is for the judge's pictures: pass --judge too, or drop it")
    manifest, predictions = read_run(folder)
    prompt = PromptConfig()

    def conclude(think: str, sample: Sample) -> Any:
        return conclusion_of(think, sample, prompt)

    rows = reasoning_rows(predictions, conclude)
    judged: dict[str, Sequence[float | None]] = {}
    if judge is not None:
        from wherewise.cli.options import load_or_print
        from wherewise.judge.config import JudgeFile

        config = load_or_print(JudgeFile, judge, None, print_config=False).value.judge
        judged = _ask(config, rows, predictions, _loaded(manifest, data))
    record = reasoning_record(rows, judged)
    same = [None if row.same is None else float(row.same) for row in rows]
    compared: dict[str, Any] = {}
    if "judge_same_answer" in judged:
        compared["of rule and judge"] = agreement(same, judged["judge_same_answer"])
    if labels is not None:
        known = _labels(labels)
        for name, values in {"same_answer": same, **judged}.items():
            given = [known.get(row.id, {}).get(name) for row in rows]
            compared[f"of {name} with {labels.name}"] = agreement(given, list(values))
    record["agreement"] = {name: dataclasses.asdict(found) for name, found in compared.items()}
    write_json(folder / "reasoning.json", record)
    lines = [
        json.dumps(
            {
                "id": row.id,
                "conclusion": row.conclusion,
                "answer": row.answer,
                "same_answer": row.same,
                **{name: values[i] for name, values in judged.items()},
            },
            ensure_ascii=False,
        )
        for i, row in enumerate(rows)
    ]
    (folder / "reasoning.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    typer.echo("\n".join(reasoning_lines(record)))
    typer.echo(f"written to {folder / 'reasoning.json'} and {folder / 'reasoning.jsonl'}")


def _loaded(manifest: Mapping[str, Any], data: Path | None) -> Benchmark | None:
    if data is None:
        return None
    from wherewise.evaluation.load import load_benchmark
    from wherewise.evaluation.specs import get_benchmark

    return load_benchmark(get_benchmark(manifest["protocol"]["benchmark"]), data)


def _ask(
    config: JudgeConfig,
    rows: Sequence[ReasoningRow],
    predictions: Sequence[Prediction],
    benchmark: Benchmark | None,
) -> dict[str, Sequence[float | None]]:
    """The judge's values by name; None where it could not be asked, read, or decide."""
    from wherewise.judge import CONSISTENCY, ConsistencyItem, Judge
    from wherewise.judge.tasks.visual_claims import VISUAL_CLAIMS, VisualClaimsItem

    questions = {p.id: "\n".join([p.question, *p.options]) for p in predictions}
    answers = {p.id: p.reply.rpartition("</think>")[2].strip() for p in predictions}
    with Judge(config) as asked:
        found: dict[str, Sequence[float | None]] = {
            "judge_same_answer": [
                verdict.value
                for verdict in asked.run(
                    CONSISTENCY,
                    [
                        ConsistencyItem(question=questions[row.id], think=row.think, answer=answers[row.id])
                        for row in rows
                    ],
                )
            ],
            "visual_claims": [
                verdict.value
                for verdict in asked.run(
                    VISUAL_CLAIMS, [VisualClaimsItem(question=questions[row.id], think=row.think) for row in rows]
                )
            ],
        }
        if benchmark is not None:
            found["visual_grounding"] = _grounding(asked, rows, questions, benchmark)
    return found


def _grounding(asked: Any, rows: Sequence[ReasoningRow], questions: Mapping[str, str], benchmark: Benchmark) -> Any:
    """Statements checked against the pictures; None for samples without any."""
    from wherewise.judge import GROUNDING, GroundingItem

    samples = {sample.id: sample for sample in benchmark.samples}
    shown = {i: _pictures(samples[row.id], benchmark.root) for i, row in enumerate(rows) if row.id in samples}
    kept = [i for i, pictures in shown.items() if pictures]
    items = [GroundingItem(question=questions[rows[i].id], think=rows[i].think, pictures=shown[i]) for i in kept]
    values: list[float | None] = [None] * len(rows)
    for i, verdict in zip(kept, asked.run(GROUNDING, items), strict=True):
        values[i] = verdict.value
    return values


def _pictures(sample: Sample, root: Path) -> Any:
    """A sample's pictures, and evenly spaced frames of its clips, as PNG."""
    import io

    from PIL import Image as Pil

    from wherewise.judge.request import Picture
    from wherewise.media.image import load_image
    from wherewise.media.video import load_frames
    from wherewise.samples import Image

    shown: list[Pil.Image] = []
    for medium in sample.media:
        if isinstance(medium, Image):
            shown.append(load_image(medium, root, sample_id=sample.id))
        else:
            frames = load_frames(medium, root, sample_id=sample.id, max_frames=_PICTURES)
            shown.extend(Pil.fromarray(frame) for frame in frames.array)
    pictures = []
    for picture in shown[:_PICTURES]:
        stream = io.BytesIO()
        picture.convert("RGB").save(stream, "PNG")
        pictures.append(Picture(data=stream.getvalue()))
    return tuple(pictures)


def _labels(path: Path) -> dict[str, dict[str, float | None]]:
    from wherewise.samples.errors import InputError

    known: dict[str, dict[str, float | None]] = {}
    with path.open(encoding="utf-8") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{path}:{number}: not JSON ({error})") from error
            if not isinstance(row, dict) or "id" not in row:
                raise InputError(f'{path}:{number}: expected {{"id": ..., "same_answer": 0 or 1}}')
            known[str(row["id"])] = {
                name: None if value is None else float(value) for name, value in row.items() if name != "id"
            }
    return known
