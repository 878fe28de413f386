"""The examples of docs/extending.md do what they say."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_doc_blocks import ROOT, blocks_of

from wherewise.evaluation.load import load_benchmark
from wherewise.evaluation.specs import BENCHMARKS, get_benchmark
from wherewise.questions.families import FAMILIES
from wherewise.questions.generate import ask
from wherewise.rewards import Completion, RewardConfig, build_rewards
from wherewise.samples import Choice, Sample
from wherewise.scenes.simulate import SimulateConfig, simulate

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
CODE = [block.text for block in blocks_of("extending.md", PAGE) if block.language == "python"]


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """What the examples add to the tables is taken out again."""
    from wherewise.models import families

    known = (dict(FAMILIES), dict(BENCHMARKS), families.FAMILIES)
    yield
    for table, kept in ((FAMILIES, known[0]), (BENCHMARKS, known[1])):
        table.clear()
        table.update(kept)  # type: ignore[arg-type]
    families.FAMILIES = known[2]


def run_example(number: int) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(CODE[number], f"docs/extending.md, example {number}", "exec"), names)
    return names


def test_there_are_four_and_they_are_short() -> None:
    assert len(CODE) == 4
    for text in CODE:
        body = [line for line in text.splitlines() if line.strip() and not line.startswith(("from", "import"))]
        assert len(body) <= 25


def test_a_family_asks_and_refuses() -> None:
    run_example(0)
    made = [simulate(SimulateConfig(width=192, height=192, objects=(5, 6)), seed=0, index=index) for index in range(3)]
    asked, refused = [], 0
    for scene in made:
        questions, problems = ask(scene.scene, rng=random.Random(0), families=["taller"])
        refused += problems.total()
        for question in questions:
            heights = {thing.id: thing.size[2] for thing in scene.scene.objects}
            told = question.options.index(question.answer.text)  # type: ignore[union-attr]
            assert heights[question.focus[told]] - heights[question.focus[1 - told]] >= 0.3
        asked += questions
    assert asked
    assert refused


def test_a_reward_is_named_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "brief.py").write_text(CODE[1])
    rewards = build_rewards((RewardConfig(name=f"{tmp_path / 'brief.py'}:brief"),))
    sample = Sample(id="s", media=(), question="?", options=("a", "b"), answer=Choice(letter="A", text="a"), task="t",
                    group="g")  # fmt: skip
    from wherewise.answers.styles import PromptConfig

    made = run_example(1)["brief"]
    short = Completion(text="A", tokens=10, truncated=False)
    long = Completion(text="A " * 100, tokens=100, truncated=False)
    cut = Completion(text="A", tokens=10, truncated=True)
    assert [made(c, sample, PromptConfig()).value for c in (short, long, cut)] == [1.0, 0.5, None]
    assert rewards is not None


def test_a_benchmark_is_read_and_scored(tmp_path: Path) -> None:
    import PIL.Image

    run_example(2)
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (32, 32), "red").save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    row = {"id": "1", "question": "What?", "options": ["cup", "book"], "answer": "B", "image": "a.png"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    benchmark = load_benchmark(get_benchmark("shelf"), tmp_path)
    (sample,) = benchmark.samples
    assert sample.answer == Choice(letter="B", text="book")


def test_a_model_family_is_known() -> None:
    from types import SimpleNamespace

    from wherewise.models.families import facts_of

    model = SimpleNamespace(config=SimpleNamespace(model_type="my_vlm"))
    assert facts_of(model).name == "unknown family"
    run_example(3)
    assert facts_of(model).name == "My-VLM"
