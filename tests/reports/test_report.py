"""The report page: complete, self-contained, and safe to open whatever a model wrote."""

from __future__ import annotations

import html.parser
import json
from pathlib import Path

import gallery_data
import pytest

from wherewise.reports import ReportInputs, build_report
from wherewise.reports.charts import Bar, interval_bars
from wherewise.reports.curves import curves
from wherewise.reports.provenance import evaluation_provenance
from wherewise.reports.rollouts import read_jsonl
from wherewise.samples import Choice, GraphObject, Image, Sample, SceneGraph

EVIL = '<img src=x onerror="alert(1)"></script><script>alert(2)</script>'
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8d"
    "b00000000049454e44ae426082"
)


def sample(name: str) -> Sample:
    return Sample(
        id=name,
        media=(Image(data=gallery_data.picture(), width=gallery_data.WIDTH, height=gallery_data.HEIGHT),),
        question="Is the red chair left or right of the blue table?",
        options=("left", "right"),
        answer=Choice(letter="A", text="left"),
        task="left_right",
        group=name,
        split="test",
        evidence=SceneGraph(
            width=100,
            height=80,
            objects=(GraphObject(id="o1", label="red chair", box=(1, 2, 30, 40)),),
            focus=("o1",),
        ),
    )


def evaluation(folder: Path, reply: str, *, correct: bool) -> Path:
    folder.mkdir(parents=True)
    estimate = {"score": 0.75, "low": 0.5, "high": 0.9, "n": 2, "groups": 2, "effective_n": 2.0}
    scored = {"estimate": estimate, "chance": 0.5, "frequent": 0.6}
    summary = {
        "micro": scored,
        "macro": scored,
        "tasks": {"left_right": scored},
        "abstained": 0.0,
        "truncated": 0.0,
        "failed": 0.0,
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    rows = [{"id": name, "reply": reply, "correct": correct} for name in ("a", "b")]
    (folder / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def run(folder: Path, text: str) -> Path:
    (folder / "rollouts" / "media").mkdir(parents=True)
    (folder / "rollouts" / "media" / "p.png").write_bytes(PNG)
    metrics = [{"step": i, "loss": 1 / i, "reward/total": i / 10, "reward/accuracy": i / 20} for i in range(1, 11)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in metrics))
    group = {
        "step": 1,
        "sample_id": "a",
        "task": "left_right",
        "question": EVIL,
        "gold": "left",
        "media": [{"type": "image", "file": "media/p.png"}],
        "evidence": {"width": 100, "height": 80, "objects": []},
        "completions": [
            {
                "text": text,
                "truncated": False,
                "scores": {"accuracy": 1.0, "judge": None},
                "reward": 1.0,
                "advantage": 0.5,
            }
        ],
    }
    (folder / "rollouts" / "step-000001.jsonl").write_text(json.dumps(group) + "\n")
    return folder


def page(tmp_path: Path, text: str = EVIL) -> str:
    out = build_report(
        ReportInputs(
            title="a <b>title</b>",
            evaluations=[
                ("base", evaluation(tmp_path / "e1", "left", correct=True)),
                ("trained", evaluation(tmp_path / "e2", text, correct=False)),
            ],
            runs=[("GRPO", run(tmp_path / "run", text))],
            samples={name: sample(name) for name in ("a", "b")},
            comparisons=["trained against base: +1.0 points"],
            environment={"python": "3.11"},
            commands=["wherewise demo"],
        ),
        tmp_path / "report.html",
    )
    return out.read_text()


class Outline(html.parser.HTMLParser):
    """Tags, their attributes, and the text of the data block."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self.blocks: dict[str, str] = {}
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = str(dict(attrs).get("id", "")) if tag == "script" else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "data":
            self.data += data
        elif self._inside.startswith("block-"):
            self.blocks[self._inside.removeprefix("block-")] = data


def test_model_text_never_becomes_markup(tmp_path: Path) -> None:
    outline = Outline()
    outline.feed(page(tmp_path))
    assert [tag for tag, _ in outline.tags].count("script") == 2 + len(outline.blocks)
    assert not [tag for tag, _ in outline.tags if tag == "img"]
    assert not [name for _, attrs in outline.tags for name in attrs if name.startswith("on")]
    data = json.loads(outline.data)
    assert data["groups"][0]["completions"][0]["text"] == EVIL
    assert data["examples"][0]["replies"][1]["text"] == EVIL


def test_page_asks_nothing_of_the_outside(tmp_path: Path) -> None:
    text = page(tmp_path)
    outline = Outline()
    outline.feed(text)
    assert not [tag for tag, _ in outline.tags if tag in {"link", "iframe", "object", "embed"}]
    assert not [attrs["src"] for _, attrs in outline.tags if "src" in attrs]
    assert "default-src 'none'" in text


def test_page_shows_scores_baselines_and_curves(tmp_path: Path) -> None:
    text = page(tmp_path)
    for words in ("75.0", "chance", "most frequent", "reward (mean of a step)", "trained against base", "left right"):
        assert words in text
    assert "<b>title</b>" not in text


def test_groups_carry_picture_and_boxes(tmp_path: Path) -> None:
    outline = Outline()
    outline.feed(page(tmp_path))
    data = json.loads(outline.data)
    (shot,) = data["groups"][0]["shots"]
    assert outline.blocks[shot["picture"]].startswith("data:image/png;base64,")
    (box,) = data["examples"][0]["truth"]["boxes"]
    assert box == {"id": "o1", "label": "red chair", "box": [1, 2, 30, 40], "focus": True}
    assert outline.blocks[data["examples"][0]["shots"][0]["picture"]].startswith("data:image/jpeg;base64,")


@pytest.mark.parametrize("name", ["../../secret.png", "/etc/passwd", "media/../../secret.png", "media/link.png"])
def test_a_rollout_that_names_a_file_elsewhere_brings_nothing(tmp_path: Path, name: str) -> None:
    folder = run(tmp_path / "run", "left")
    (tmp_path / "secret.png").write_bytes(PNG + b"secret")
    (folder / "rollouts" / "media" / "link.png").symlink_to(tmp_path / "secret.png")
    file = folder / "rollouts" / "step-000001.jsonl"
    file.write_text(file.read_text().replace("media/p.png", name))
    out = build_report(ReportInputs(title="t", runs=[("r", folder)]), tmp_path / "page.html")
    outline = Outline()
    outline.feed(out.read_text())
    assert outline.blocks == {}
    assert "picture" not in json.loads(outline.data)["groups"][0]["shots"][0]


def test_pictures_stop_at_the_budget_and_the_page_says_so(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", "left")
    out = build_report(ReportInputs(title="t", runs=[("r", folder)], media_budget=0), tmp_path / "page.html")
    assert "1 pictures are left out" in out.read_text()


def test_how_a_run_was_made_stands_on_the_page(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", "left")
    (folder / "config.resolved.yaml").write_text("rewards: [{name: accuracy}]\nsteps: 10\n")
    (folder / "env.json").write_text(json.dumps({"python": "3.11.7", "packages": {"torch": "2.13.0"}, "gpus": []}))
    text = build_report(ReportInputs(title="t", runs=[("r", folder)]), tmp_path / "page.html").read_text()
    for words in (f"wherewise grpo {folder.as_posix()}/config.resolved.yaml out=NEW_FOLDER", "2.13.0", "steps: 10"):
        assert words in text


def test_an_evaluation_names_the_command_that_repeats_it(tmp_path: Path) -> None:
    folder = evaluation(tmp_path / "e", "left", correct=True)
    protocol = {
        "benchmark": "mmvp",
        "prompt": {"style": "direct", "options": "letters", "instruction": True},
        "media": {"frames": 8, "blind": True},
        "decoding": {"strategy": "letter", "max_new_tokens": 16},
    }
    (folder / "manifest.json").write_text(json.dumps({"protocol": protocol, "model": {"name": "hf:my model"}}))
    assert evaluation_provenance("e", folder).command == (
        "wherewise eval run mmvp --model 'my model' --prompt-style direct --prompt-options letters --frames 8 --blind "
        "--max-new-tokens 16 --decoding letter"
    )


def test_torn_line_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "metrics.jsonl"
    broken.write_text('{"step": 1}\n{"step": ')
    with pytest.raises(ValueError, match=r"metrics\.jsonl:2"):
        read_jsonl(broken)


def test_curves_leave_out_what_is_not_a_number() -> None:
    rows = [{"step": 1, "loss": 0.123456789, "kl": None}, {"step": 2, "loss": float("nan"), "reward/a": 1}]
    charts = {chart["title"]: chart["series"] for chart in curves([("r", rows)])}
    assert charts["loss"] == [{"name": "r", "points": [(1, 0.12346)]}]
    assert charts["reward by part"] == [{"name": "a", "points": [(2, 1.0)]}]
    assert set(charts) == {"loss", "reward by part"}
    assert set(curves([("r", rows), ("s", [])])[0]) == {"title", "series"}


def test_interval_bars_escape_names() -> None:
    bars = interval_bars("t", [Bar(name="<m>", value=0.5, low=0.4, high=0.6)], [("chance", 0.5)])
    assert "&lt;m&gt;" in bars
