"""Runs and benchmarks for other tools: an inspect-ai log, a task folder of lmms-eval."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wherewise.evaluation.load import Benchmark
from wherewise.evaluation.metrics import Average, Summary, summarize
from wherewise.evaluation.protocol import EvalConfig, prompt_text
from wherewise.evaluation.records import Prediction, answer_fields
from wherewise.evaluation.runner import read_run
from wherewise.evaluation.seeds import headline
from wherewise.media.roots import open_medium
from wherewise.samples import Image, Media
from wherewise.samples.errors import InputError

_CREATED = "1970-01-01T00:00:00+00:00"
"""Time in logs: a run's folder does not say when it was made, and the same run gives the same log."""


def inspect_log(folder: Path) -> dict[str, Any]:
    """A finished run as an inspect-ai log (format 2), to be read by ``inspect view`` and `inspect_ai.log`.

    Raises:
        InputError: There is no finished run.
    """
    manifest, predictions = read_run(folder)
    summary = summarize(predictions)
    ordered = sorted(predictions, key=lambda p: p.id)
    task = str(manifest["protocol"]["benchmark"])
    model = str(manifest["model"]["name"])
    usage = {"input_tokens": 0, "output_tokens": sum(p.tokens for p in ordered), "total_tokens": 0}
    usage["total_tokens"] = usage["output_tokens"]
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": _short(manifest["protocol_id"], model),
            "run_id": _short(manifest["protocol_id"], model, "run"),
            "created": _CREATED,
            "task": task,
            "task_id": _short(task, manifest["protocol_id"]),
            "task_version": 0,
            "task_attribs": {},
            "task_args": {},
            "dataset": {"name": task, "samples": len(ordered), "sample_ids": [p.id for p in ordered]},
            "model": model,
            "model_args": {},
            "config": {},
            "packages": {"wherewise": str(manifest["wherewise"])},
            "metadata": {"protocol_id": manifest["protocol_id"], "protocol": manifest["protocol"]},
        },
        "plan": {"name": "plan", "steps": [{"solver": "wherewise", "params": {}}], "config": {}},
        "results": {
            "total_samples": len(ordered),
            "completed_samples": len(ordered),
            "scores": [
                {
                    "name": "wherewise",
                    "scorer": "wherewise",
                    "params": {},
                    "metrics": {
                        name: {"name": name, "value": value, "params": {}}
                        for name, value in _scores(summary, manifest).items()
                    },
                }
            ],
        },
        "stats": {"started_at": _CREATED, "completed_at": _CREATED, "model_usage": {model: usage}},
        "samples": [_inspect_sample(p, model) for p in ordered],
    }


def _scores(summary: Summary, manifest: Mapping[str, Any]) -> dict[str, float]:
    """All averages and formulas that have a value, the headline under its own name and as ``headline``."""
    values = {
        "headline": headline(summary, Average(manifest["headline"]))[1],
        "micro": summary.micro.estimate.score,
        "macro": summary.macro.estimate.score,
        "chance": summary.micro.chance,
        "abstained": summary.abstained,
        "failed": summary.failed,
    }
    values.update({name: m.value for name, m in summary.formulas.items() if m.value is not None})
    return values


def _inspect_sample(prediction: Prediction, model: str) -> dict[str, Any]:
    gold = prediction.gold.get("letter", prediction.gold.get("value"))
    answer = prediction.value
    return {
        "id": prediction.id,
        "epoch": 1,
        "input": prediction.question,
        "choices": list(prediction.options) or None,
        "target": str(gold),
        "messages": [
            {"role": "user", "content": prediction.question},
            {"role": "assistant", "content": prediction.reply, "source": "generate", "model": model},
        ],
        "output": {
            "model": model,
            "choices": [
                {
                    "message": {"role": "assistant", "content": prediction.reply, "source": "generate"},
                    "stop_reason": "max_tokens" if prediction.truncated else "stop",
                }
            ],
            "completion": prediction.reply,
            **({"error": prediction.error} if prediction.error else {}),
        },
        "scores": {
            "wherewise": {
                "value": prediction.score,
                "answer": None if answer is None else str(answer),
                "explanation": prediction.rule or None,
            }
        },
        "metadata": {
            "task": prediction.task,
            "group": prediction.group,
            "abstained": prediction.abstained,
            "conflicts": list(prediction.conflicts),
            "tags": dict(prediction.tags),
        },
        "store": {},
        "events": [],
        "model_usage": {},
        "attachments": {},
    }


def _short(*parts: str) -> str:
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:22]


_YAML = """task: wherewise_{name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {records}
test_split: test
output_type: generate_until
doc_to_visual: !function utils.doc_to_visual
doc_to_text: !function utils.doc_to_text
doc_to_target: target
process_results: !function utils.process_results
generation_kwargs:
  max_new_tokens: 128
  temperature: 0
  do_sample: false
metric_list:
  - metric: wherewise_{headline}
    aggregation: !function utils.aggregate
    higher_is_better: true
metadata:
  - version: 0
"""

_UTILS = '''"""Questions of {title} as wherewise asks them, read and scored by wherewise inside lmms-eval."""

from pathlib import Path

from wherewise.evaluation.exports import aggregate_lines, score_document

FOLDER = Path(__file__).resolve().parent


def doc_to_text(doc, lmms_eval_specific_kwargs=None):
    return doc["prompt"]


def doc_to_visual(doc):
    from PIL import Image

    return [
        Image.open(FOLDER / path).convert("RGB") if kind == "image" else str(FOLDER / path)
        for kind, path in zip(doc["media_kinds"], doc["media"])
    ]


def process_results(doc, results):
    return {{"wherewise_{headline}": score_document(doc, results[0] if results else "")}}


def aggregate(lines):
    return 100 * aggregate_lines(lines, "{average}")
'''


def lmms_eval_task(benchmark: Benchmark, out: Path) -> Path:
    """Write a benchmark as a task folder for ``lmms-eval --include_path``, scored there by this package.

    The folder holds the questions, copies of their pictures and clips, the task's YAML and its functions.

    Returns:
        The task's YAML file.

    Raises:
        InputError: The folder is not empty.
    """
    if out.exists() and any(out.iterdir()):
        raise InputError(f"{out} is not empty; name a new folder")
    out.mkdir(parents=True, exist_ok=True)
    name = benchmark.spec.name.replace("-", "_")
    official = benchmark.spec.official or benchmark.spec.headline.value
    lines = []
    for sample in benchmark.samples:
        media = [_copied(medium, benchmark.root, out, sample.id) for medium in sample.media]
        lines.append(
            {
                "id": sample.id,
                "prompt": prompt_text(sample, EvalConfig()),
                "media": media,
                "media_kinds": ["image" if isinstance(m, Image) else "video" for m in sample.media],
                "target": json.dumps(answer_fields(sample.answer), ensure_ascii=False),
                "question": sample.question,
                "options": list(sample.options),
                "task": sample.task,
                "group": sample.group,
                "tags": json.dumps(sample.facts.get("tags", {}), ensure_ascii=False),
            }
        )
    records = out / "questions.jsonl"
    records.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    path = out / f"wherewise_{name}.yaml"
    path.write_text(
        _YAML.format(name=name, records=json.dumps(str(records.resolve())), headline=official), encoding="utf-8"
    )
    (out / "utils.py").write_text(
        _UTILS.format(title=benchmark.spec.title, headline=official, average=benchmark.spec.headline.value),
        encoding="utf-8",
    )
    return path


def _copied(medium: Media, root: Path, out: Path, sample_id: str) -> str:
    """A medium's copy below the folder, named by its content; the path relative to it."""
    with open_medium(medium, root, sample_id=sample_id) as stream:
        content = stream.read()
    suffix = Path(medium.path).suffix if medium.path is not None else _suffix(content)
    target = Path("media") / (hashlib.sha256(content).hexdigest()[:32] + suffix)
    (out / "media").mkdir(exist_ok=True)
    if not (out / target).exists():
        (out / target).write_bytes(content)
    return target.as_posix()


def _suffix(content: bytes) -> str:
    if content.startswith(b"\x89PNG"):
        return ".png"
    return ".jpg" if content.startswith(b"\xff\xd8") else ".webp" if content[8:12] == b"WEBP" else ".bin"


def score_document(doc: Mapping[str, Any], reply: str) -> str:
    """A reply to a question of an exported task, read and scored; a prediction as one line of JSON."""
    from wherewise.answers.styles import PromptStyle
    from wherewise.evaluation.providers.base import Reply
    from wherewise.evaluation.records import answer_from_fields
    from wherewise.evaluation.scoring import score_reply
    from wherewise.samples import Sample

    sample = Sample(
        id=str(doc["id"]),
        media=(),
        question=str(doc["question"]),
        options=tuple(doc["options"]),
        answer=answer_from_fields(json.loads(doc["target"])),
        task=str(doc["task"]),
        group=str(doc["group"]),
        facts={"tags": json.loads(doc["tags"])},
    )
    return score_reply(sample, Reply(text=reply), PromptStyle.DIRECT).to_json()


def aggregate_lines(lines: Sequence[str], average: str) -> float:
    """The benchmark's score from predictions as lines of JSON."""
    from wherewise.evaluation.records import prediction_from_json

    predictions = [prediction_from_json(line, where=f"line {i}") for i, line in enumerate(lines, start=1)]
    return headline(summarize(predictions), Average(average))[1]
