"""Published replies of ten models to BLINK: our score beside that of the official extraction."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from pathlib import Path

import pytest

from wherewise.answers.styles import PromptStyle
from wherewise.evaluation.load import load_benchmark
from wherewise.evaluation.providers.base import Reply
from wherewise.evaluation.scoring import score_reply
from wherewise.evaluation.specs import get_benchmark

BLINK = Path(__file__).parents[2].parent / "shared" / "data" / "blink"
WITHIN = 1.0
"""Largest difference of a subtask's accuracy, in points."""


@pytest.mark.skipif(not (BLINK / "val_predictions.jsonl.gz").is_file(), reason="needs ../shared/data/blink")
def test_every_subtask_of_ten_models_scores_as_officially() -> None:
    """Of the fourteen subtasks two are at hand with their questions (267 records)."""
    samples = {sample.id: sample for sample in load_benchmark(get_benchmark("blink"), BLINK).samples}
    right: dict[str, dict[str, list[tuple[float, bool]]]] = defaultdict(lambda: defaultdict(list))
    with gzip.open(BLINK / "val_predictions.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["idx"] not in samples:
                continue
            sample = samples[row["idx"]]
            scored = score_reply(sample, Reply(text=row["full_prediction"], tokens=1), PromptStyle.DIRECT)
            right[row["model"]][sample.task].append((scored.score, row["prediction"] == row["answer"]))
    assert len(right) == 10
    for model, tasks in sorted(right.items()):
        shares = {
            task: tuple(100 * sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1))
            for task, pairs in tasks.items()
        }
        assert sum(map(len, tasks.values())) == len(samples) == 267
        macro = tuple(sum(share[side] for share in shares.values()) / len(shares) for side in (0, 1))
        print(model, {task: f"{ours:.1f}/{theirs:.1f}" for task, (ours, theirs) in shares.items()}, *macro)
        assert abs(macro[0] - macro[1]) <= WITHIN
        for task, (ours, theirs) in shares.items():
            assert abs(ours - theirs) <= WITHIN, (model, task, ours, theirs)
