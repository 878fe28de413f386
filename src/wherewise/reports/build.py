"""Collects evaluations and runs into one HTML page.

What a model wrote is shown, never interpreted (`wherewise.reports.page`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from wherewise.answers.coordinates import CoordinateCodec
from wherewise.media import MediaError
from wherewise.reports.charts import Bar, interval_bars
from wherewise.reports.claims import claims_of_reply, truth_of
from wherewise.reports.curves import curves
from wherewise.reports.page import render_page, write_page
from wherewise.reports.provenance import Provenance, evaluation_provenance, run_provenance
from wherewise.reports.rollouts import Pictures, codec_of, group_record, read_jsonl, rollout_rows, run_config
from wherewise.reports.shots import spread, take_shots
from wherewise.samples import Sample, answer_text
from wherewise.samples.codec import to_record

STYLES = ("gallery.css", "rollouts.css")
SCRIPTS = ("graph.js", "curves.js", "rollouts.js")
"""Assets of all pages that show completions; after the shared ones, before the page's own."""

SIDE, FRAMES, QUALITY = 512, 8, 80
"""Longest side of an evaluation's pictures in pixels, most frames of a clip, JPEG quality."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportInputs:
    """What a report shows.

    Attributes:
        title: Heading of the page.
        evaluations: ``(name, evaluation folder)`` in the order of the story; each holds ``summary.json`` and
            ``predictions.jsonl``.
        runs: ``(name, run folder)``; each holds ``metrics.jsonl`` and perhaps ``rollouts/``.
        samples: Samples of the evaluation by id, for pictures and boxes; may be a part of them.
        media_root: Folder that the samples' media paths are relative to.
        comparisons: Sentences on pairs of evaluations, printed under the table.
        environment: Facts on the machine and the versions; None takes those that each run wrote down itself.
        commands: Commands that made this, one a line.
        max_groups: Rollout groups shown at most, spread evenly over the run.
        max_examples: Evaluation examples shown at most.
        media_budget: Megabytes of pictures at most.
    """

    title: str
    evaluations: Sequence[tuple[str, Path]] = ()
    runs: Sequence[tuple[str, Path]] = ()
    samples: Mapping[str, Sample] | None = None
    media_root: Path | None = None
    comparisons: Sequence[str] = ()
    environment: Mapping[str, Any] | None = None
    commands: Sequence[str] = ()
    max_groups: int = 90
    max_examples: int = 60
    media_budget: float = 40.0


def build_report(inputs: ReportInputs, out: Path) -> Path:
    """Writes the page.

    Args:
        inputs: What to show.
        out: The HTML file; its folder is made.

    Returns:
        `out`.

    Raises:
        ValueError: A file of a run or an evaluation is broken; the message names it.
    """
    rows = [
        summary_row(name, json.loads((folder / "summary.json").read_text(encoding="utf-8")))
        for name, folder in inputs.evaluations
    ]
    pictures = Pictures.of(inputs.media_budget)
    with_rollouts = [(name, folder) for name, folder in inputs.runs if (folder / "rollouts").is_dir()]
    most = max(1, inputs.max_groups // max(1, len(with_rollouts)))
    groups = [group for name, folder in with_rollouts for group in run_groups(name, folder, most, pictures)]
    examples = _examples(inputs, pictures)
    charts = [
        {"run": name, "charts": curves([(name, read_jsonl(folder / "metrics.jsonl"))])} for name, folder in inputs.runs
    ]
    html = render_page(
        "report.html.j2",
        title=inputs.title,
        data={"groups": groups, "examples": examples, "runs": charts},
        styles=STYLES,
        scripts=[*SCRIPTS, "report.js"],
        blocks=pictures.blocks,
        rows=rows,
        overview=Markup(_overview(rows)),
        comparisons=inputs.comparisons,
        runs=[name for name, _ in inputs.runs],
        environment=inputs.environment or {},
        commands=inputs.commands,
        made=made_of(inputs),
        groups=len(groups),
        examples=len(examples),
        left_out=pictures.left_out,
    )
    return write_page(html, out)


def made_of(inputs: ReportInputs) -> list[Provenance]:
    """How each run and evaluation was made, as far as its folder says."""
    found = [run_provenance(name, folder) for name, folder in inputs.runs]
    found += [evaluation_provenance(name, folder) for name, folder in inputs.evaluations]
    return [each for each in found if each.facts or each.settings]


def run_groups(run: str, folder: Path, most: int, pictures: Pictures) -> list[dict[str, Any]]:
    """At most `most` groups of a run as the page shows them, spread evenly over its steps."""
    codec = codec_of(run_config(folder))
    groups = [group_record(run, row, codec) for row in spread(rollout_rows(folder), most)]
    for group in groups:
        pictures.resolve(folder / "rollouts", group["shots"])
    return groups


def sample_view(sample: Sample, root: Path | None, pictures: Pictures) -> dict[str, Any]:
    """Pictures, size and truth of an evaluation's sample as the page shows them."""
    shots: list[dict[str, Any]] = []
    problem = {}
    if root is not None or all(getattr(medium, "data", None) is not None for medium in sample.media):
        try:
            taken = take_shots(sample.media, root, sample_id=sample.id, side=SIDE, frames=FRAMES, quality=QUALITY)
        except MediaError as error:  # said where the picture would be
            taken, problem = [], {"error": str(error)}
        for i, shot in enumerate(taken):
            name = pictures.add(f"sample {sample.group} {i} {short_digest(shot.jpeg)}", shot.jpeg)
            time = {} if shot.time is None else {"time": shot.time}
            here = {} if name is None else {"picture": name}
            shots.append({"medium": shot.medium, "size": [shot.width, shot.height], **time, **here})
    evidence = to_record(sample).get("evidence")
    record = json.loads(evidence) if isinstance(evidence, str) else evidence or {}
    size = (record["width"], record["height"]) if record.get("width") else None
    return {
        "shots": shots,
        "size": size or (shots[0]["size"] if shots else None),
        "truth": truth_of(record, answer_text(sample.answer)),
    } | problem


def short_digest(data: bytes) -> str:
    """A short name of some bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def protocol_codec(folder: Path) -> CoordinateCodec:
    """How the replies of an evaluation write places."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return codec_of(manifest.get("protocol") or {})


def _examples(inputs: ReportInputs, pictures: Pictures) -> list[dict[str, Any]]:
    """Questions with every model's reply, first those on which the last two models differ."""
    tables = [
        (name, protocol_codec(folder), {row["id"]: row for row in read_jsonl(folder / "predictions.jsonl")})
        for name, folder in inputs.evaluations
    ]
    if not tables or inputs.samples is None:
        return []
    shared = [i for i in tables[-1][2] if all(i in rows for _, _, rows in tables) and i in inputs.samples]

    def differs(key: str) -> bool:
        return len({rows[key]["correct"] for _, _, rows in tables[-2:]}) > 1

    changed = [key for key in shared if differs(key)]
    same = [key for key in shared if not differs(key)]
    chosen = spread(changed, max(1, inputs.max_examples * 2 // 3))
    chosen += spread(same, max(1, inputs.max_examples - len(chosen)))
    out = []
    for key in chosen:
        sample = inputs.samples[key]
        view = sample_view(sample, inputs.media_root, pictures)
        size = tuple(view["size"]) if view["size"] else None
        replies = []
        for name, codec, rows in tables:
            claim = claims_of_reply(rows[key]["reply"], codec, size)
            reply = {"name": name, "text": rows[key]["reply"], "correct": rows[key]["correct"]}
            replies.append(reply | ({"claim": claim} if claim else {}))
        out.append(
            {
                "id": key,
                "task": sample.task,
                "question": sample.question,
                "options": list(sample.options),
                "gold": answer_text(sample.answer),
                "replies": replies,
                **view,
            }
        )
    return out


def summary_row(name: str, summary: Mapping[str, Any]) -> dict[str, Any]:
    """One line of the accuracy table, taken from an evaluation's ``summary.json``; shares in 0..1."""
    micro, macro = summary["micro"], summary["macro"]
    return {
        "name": name,
        "n": micro["estimate"]["n"],
        "scenes": micro["estimate"]["groups"],
        "micro": micro["estimate"]["score"],
        "low": micro["estimate"]["low"],
        "high": micro["estimate"]["high"],
        "macro": macro["estimate"]["score"],
        "chance": micro["chance"],
        "frequent": micro["frequent"],
        "tasks": {
            task: {"score": scored["estimate"]["score"], "chance": scored["chance"], "frequent": scored["frequent"]}
            for task, scored in summary["tasks"].items()
        },
        "abstained": summary["abstained"],
        "truncated": summary["truncated"],
        "failed": summary["failed"],
    }


def _overview(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    bars = [Bar(name=row["name"], value=row["micro"], low=row["low"], high=row["high"]) for row in rows]
    marks = [("chance", rows[-1]["chance"]), ("most frequent", rows[-1]["frequent"])]
    return interval_bars("Accuracy, 95 % intervals by scene", bars, marks)
