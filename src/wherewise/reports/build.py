"""Collects evaluations and runs into one HTML page.

What a model wrote is shown, never interpreted (`wherewise.reports.page`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from wherewise.reports.charts import Bar, Series, interval_bars, line_chart
from wherewise.reports.page import data_uri, render_page, write_page
from wherewise.samples import Image, Sample, answer_text

CURVES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("loss", ("loss",)),
    ("reward (mean of a step)", ("reward/total",)),
    ("share of right rollouts", ("accuracy",)),
    ("reply length in tokens", ("length",)),
    ("entropy per token", ("entropy",)),
    ("KL to the reference", ("kl",)),
    ("groups with no signal", ("no_signal",)),
    ("truncated replies", ("truncated",)),
    ("gradient norm", ("grad_norm",)),
    ("learning rate", ("lr",)),
)
"""Charts of a run: title and the keys of ``metrics.jsonl`` it draws."""


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
        environment: Facts on the machine and the versions.
        commands: Commands that made this, one a line.
        max_groups: Rollout groups shown at most, spread evenly over the run.
        max_examples: Evaluation examples shown at most.
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


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """All rows of a JSON-lines file, NaN and infinite numbers as None; an absent file has none.

    Raises:
        ValueError: A line is not JSON; the message names file and line.
    """
    if not path.exists():
        return []
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line, parse_constant=lambda _: None))
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}:{number}: not JSON ({error.msg}); delete the torn line") from error
    return rows


def _spread(rows: Sequence[Any], most: int) -> list[Any]:
    """At most `most` rows, evenly spaced, the first and the last included."""
    if len(rows) <= most:
        return list(rows)
    return [rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most)]


def _charts(metrics: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for title, keys in CURVES:
        series = [
            Series(
                name=key,
                points=tuple((float(r["step"]), float(r[key])) for r in metrics if isinstance(r.get(key), int | float)),
            )
            for key in keys
        ]
        chart = line_chart(title, series)
        if chart:
            yield chart
    parts = sorted({k for row in metrics for k in row if k.startswith("reward/") and k != "reward/total"})
    if parts:
        yield line_chart(
            "reward by part",
            [
                Series(
                    name=key.removeprefix("reward/"),
                    points=tuple(
                        (float(r["step"]), float(r[key])) for r in metrics if isinstance(r.get(key), int | float)
                    ),
                )
                for key in parts
            ],
        )


def _boxes(evidence: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Boxes of the objects in a scene-graph record, the ones in focus marked."""
    if not evidence or evidence.get("kind", "scene_graph") != "scene_graph" or "objects" not in evidence:
        return []
    focus = set(evidence.get("focus", ()))
    return [{"label": o["label"], "box": list(o["box"]), "focus": o["id"] in focus} for o in evidence["objects"]]


def _groups(run: str, folder: Path, most: int, pictures: dict[str, str]) -> list[dict[str, Any]]:
    rows = [row for path in sorted((folder / "rollouts").glob("*.jsonl")) for row in read_jsonl(path)]
    groups = []
    for row in _spread(rows, most):
        media = row.get("media") or []
        picture = None
        if media:
            name = media[0]["file"]
            file = folder / "rollouts" / name
            if file.exists():
                pictures.setdefault(name, data_uri(file.read_bytes()))
                picture = name
        evidence = row.get("evidence") or {}
        groups.append(
            {
                "run": run,
                "step": row["step"],
                "id": row["sample_id"],
                "task": row["task"],
                "question": row["question"],
                "gold": row["gold"],
                "picture": picture,
                "size": [evidence.get("width"), evidence.get("height")],
                "boxes": _boxes(evidence),
                "completions": row["completions"],
            }
        )
    return groups


def _sample_picture(sample: Sample, root: Path | None) -> str | None:
    """The first picture as a data URI; a clip has none."""
    first = sample.media[0] if sample.media else None
    if not isinstance(first, Image):
        return None
    if first.data is not None:
        return data_uri(first.data)
    return None if root is None or first.path is None else data_uri((root / first.path).read_bytes())


def _examples(inputs: ReportInputs, pictures: dict[str, str]) -> list[dict[str, Any]]:
    """Questions with every model's reply, first those on which the last two models differ."""
    from wherewise.samples.codec import to_record

    tables = [
        (name, {row["id"]: row for row in read_jsonl(folder / "predictions.jsonl")})
        for name, folder in inputs.evaluations
    ]
    if not tables or inputs.samples is None:
        return []
    shared = [i for i in tables[-1][1] if all(i in rows for _, rows in tables) and i in inputs.samples]

    def differs(key: str) -> bool:
        marks = [rows[key]["correct"] for _, rows in tables[-2:]]
        return len(set(marks)) > 1

    changed = [key for key in shared if differs(key)]
    same = [key for key in shared if not differs(key)]
    chosen = _spread(changed, inputs.max_examples * 2 // 3)
    chosen += _spread(same, inputs.max_examples - len(chosen))
    out = []
    for key in chosen:
        sample = inputs.samples[key]
        picture = _sample_picture(sample, inputs.media_root)
        name = None
        if picture is not None:
            name = f"eval/{sample.group}"
            pictures.setdefault(name, picture)
        evidence = to_record(sample).get("evidence")
        record = json.loads(evidence) if isinstance(evidence, str) else evidence
        out.append(
            {
                "id": key,
                "task": sample.task,
                "question": sample.question,
                "gold": answer_text(sample.answer),
                "picture": name,
                "size": [(record or {}).get("width"), (record or {}).get("height")],
                "boxes": _boxes(record),
                "replies": [
                    {"name": n, "text": rows[key]["reply"], "correct": rows[key]["correct"]} for n, rows in tables
                ],
            }
        )
    return out


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
    pictures: dict[str, str] = {}
    with_rollouts = [(name, folder) for name, folder in inputs.runs if (folder / "rollouts").is_dir()]
    most = max(1, inputs.max_groups // max(1, len(with_rollouts)))
    groups = [group for name, folder in with_rollouts for group in _groups(name, folder, most, pictures)]
    data = {"groups": groups, "examples": _examples(inputs, pictures), "pictures": pictures}
    runs = [(name, list(_charts(read_jsonl(folder / "metrics.jsonl")))) for name, folder in inputs.runs]
    html = render_page(
        "report.html.j2",
        title=inputs.title,
        data=data,
        scripts=["report.js"],
        rows=rows,
        overview=Markup(_overview(rows)),
        comparisons=inputs.comparisons,
        runs=[(name, [Markup(chart) for chart in charts]) for name, charts in runs],
        environment=inputs.environment or {},
        commands=inputs.commands,
        groups=len(groups),
        examples=len(data["examples"]),
    )
    return write_page(html, out)


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
