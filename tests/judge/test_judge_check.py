"""``judge check`` and ``judge serve-command`` as users run them, and the calibration set."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from fake_server import Behaviour, FakeServer, Fault, Request, Say
from PIL import Image

from wherewise.judge import TASKS, Judge, JudgeConfig, PriceConfig, timeline_claims
from wherewise.judge.calibrate import calibration, measure, rules_agreement
from wherewise.judge.serve import ServePlan
from wherewise.samples.errors import InputError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "src" / "wherewise" / "judge" / "calibration"


def rows(task: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (FOLDER / f"{task}.jsonl").read_text("utf-8").splitlines()]


def task_of(request: Request) -> str:
    return str(request.body["response_format"]["json_schema"]["name"])


class Oracle:
    """A judge that knows the calibration set; wrong on `wrong` items a task, first-block-loving where `biased`."""

    def __init__(self, wrong: int = 0, biased: bool = False) -> None:
        self.wrong = wrong
        self.biased = biased

    def __call__(self, request: Request) -> Say:
        task, text = task_of(request), request.text
        known = rows(task)
        field = "answer" if task == "correctness" else "think"
        if task == "timeline":
            index = next(i for i, row in enumerate(known) if f"\n{row['think']}\n" in text)
        else:
            names = ("question", field) if task == "grounding" else ("question", field, "answer")
            index = next(i for i, row in enumerate(known) if all(f"\n{row[name]}\n" in text for name in names))
        row, wrong = known[index], index < self.wrong
        if task == "timeline":
            times = [] if wrong and row["claims"] else row["claims"]
            assert isinstance(times, list)
            claims = [{"start": f"{s // 60}:{s % 60:02d}", "end": str(e), "text": "x"} for s, e in times]
            claims += [{"start": "0:01", "end": "0:01", "text": "y"}] if wrong else []
            return Say(json.dumps({"claims": claims}))
        if task == "grounding":
            low, high = int(str(row["low"])), int(str(row["high"]))
            score = (low + high + 1) // 2
            if self.biased:
                score = 10 if text.index('name="question"') < text.index('name="reasoning"') else 0
            elif wrong:
                score = 10 if high < 10 else 0
            return Say(json.dumps({"reason": "r", "score": score}))
        other = {"consistent": "inconsistent", "correct": "incorrect"}
        verdict = str(row["verdict"])
        if wrong:
            verdict = other.get(verdict, next(iter(other)) if task == "consistency" else "correct")
        name = "conclusion" if task == "consistency" else "reason"
        return Say(json.dumps({name: "c", "verdict": verdict}), tokens=(1000, 100))


def check(server_url: str, tmp_path: Path, *words: str, **settings: object) -> subprocess.CompletedProcess[str]:
    config = tmp_path / "judge.yaml"
    section = {"base_url": server_url, "model": "fake", "retries": 0, "repairs": 0} | settings
    config.write_text(json.dumps({"judge": section}))
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "150"}
    command = [sys.executable, "-m", "wherewise", "judge", "check", str(config), *words]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=300)


def test_the_set_is_large_and_balanced_enough() -> None:
    for task in TASKS:
        assert len(calibration(task)) == 24
        texts = [json.dumps({**row, "verdict": ""}) for row in rows(task)]
        assert len(set(texts)) == 24
    for task in ("consistency", "correctness"):
        verdicts = [row["verdict"] for row in rows(task)]
        assert max(verdicts.count(verdict) for verdict in set(verdicts)) <= 14, "a constant judge must not pass"
    high = sum(int(str(row["low"])) >= 7 for row in rows("grounding"))
    low = sum(int(str(row["high"])) <= 4 for row in rows("grounding"))
    assert high >= 8
    assert low >= 8


def test_pictures_are_drawn_as_described() -> None:
    row = rows("grounding")[0]
    picture = Image.open(io.BytesIO(calibration("grounding")[0].item.pictures[0].data)).convert("RGB")
    shapes = row["picture"]
    assert isinstance(shapes, list)
    assert [picture.getpixel(tuple(shape["at"])) for shape in shapes] == [(255, 0, 0), (0, 0, 255)]


def test_the_rules_on_the_calibration_set() -> None:
    assert rules_agreement() == (24, 24)
    assert rules_agreement(3) == (3, 3)
    assert timeline_claims("A minute into the clip he falls.") == [], "words for numbers are beyond the rules"


def test_a_perfect_judge_passes(tmp_path: Path) -> None:
    with FakeServer(Oracle()) as server:
        done = check(server.url, tmp_path, "--json", price={"input_per_million": 1.0, "output_per_million": 10.0})
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(server.requests) == 1 + 24 + 3 * 48
    result = json.loads(done.stdout)
    assert result["problems"] == []
    assert result["round_trip"]["path"] == "json_schema"
    assert [task["task"] for task in result["tasks"]] == list(TASKS)
    for task in result["tasks"]:
        assert (task["agreement"], task["none_share"], task["changed"], task["unjudged"]) == (1.0, 0.0, 0, {})
        assert task["compared"] == (0 if task["task"] == "timeline" else 24)
        assert 0 < task["p50"] <= task["p95"]
    assert result["tasks"][3]["cost"] == pytest.approx(48 * (1000 * 1.0 + 100 * 10.0) / 1e6)


def test_a_bad_judge_fails_by_name(tmp_path: Path) -> None:
    with FakeServer(Oracle(wrong=6)) as server:
        done = check(server.url, tmp_path, "--task", "consistency", "--task", "timeline", "--quiet")
    assert done.returncode == 1
    assert "consistency  24     18/24 75%" in done.stdout
    assert "PROBLEM timeline: agreement 75%, wanted 80%" in done.stdout
    assert done.stderr == ""


def test_position_bias_is_seen() -> None:
    with FakeServer(Oracle(biased=True)) as server, Judge(JudgeConfig(base_url=server.url, model="fake")) as judge:
        report = measure(judge, "grounding", price=PriceConfig(input_per_million=0, output_per_million=0))
    assert (report.changed, report.compared, report.shift) == (24, 24, 1.0)


def test_a_judge_that_sees_no_pictures_is_reported_as_such(tmp_path: Path) -> None:
    oracle = Oracle()

    def script(request: Request) -> Behaviour:
        return Fault(400, body="this model takes no images") if request.images else oracle(request)

    with FakeServer(script) as server:
        done = check(server.url, tmp_path, "--task", "grounding", "--task", "correctness", "--limit", "6")
    assert done.returncode == 1
    assert "PROBLEM grounding: 100% unjudged (rejected 6), limit 10%" in done.stdout
    assert "correctness  6      6/6 100%" in done.stdout


def test_no_server_is_one_clear_line(tmp_path: Path) -> None:
    with FakeServer([Fault(401, body="wrong key")]) as server:
        done = check(server.url, tmp_path)
        assert len(server.requests) == 1
    assert done.returncode == 1
    assert f"PROBLEM no verdict from {server.url}: rejected: status 401: 'wrong key'" in done.stdout
    assert "Traceback" not in done.stderr


def test_dry_run_sends_nothing(tmp_path: Path) -> None:
    with FakeServer([Fault(500)]) as server:
        done = check(server.url, tmp_path, "--dry-run", "--limit", "2")
        assert server.requests == []
    assert done.returncode == 0
    assert "timeline 2 items" in done.stdout
    assert "15 requests" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--task", "taste"], "--task taste: there is no such task; known: timeline, consistency"),
        (["judge.modle=x"], "did you mean 'model'?"),
        (["judge.api_key_env=NO_SUCH_KEY_HERE"], "NO_SUCH_KEY_HERE is not set"),
    ],
)
def test_mistakes_are_exit_2(tmp_path: Path, words: list[str], message: str) -> None:
    done = check("http://127.0.0.1:1/v1", tmp_path, *words)
    assert done.returncode == 2
    assert message in done.stderr


def test_serve_command() -> None:
    plan = ServePlan(model="some/model", images=4, gpus=2, api_key_env="JUDGE_KEY", port=9000)
    key, *words = shlex.split(plan.command())
    assert key == "VLLM_API_KEY=$JUDGE_KEY"
    assert words[:3] == ["vllm", "serve", "some/model"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options["--host"] == "127.0.0.1"
    assert options["--tensor-parallel-size"] == "2"
    assert json.loads(options["--limit-mm-per-prompt"]) == {"image": 4}
    assert shlex.split(ServePlan(model="x; rm -rf /").command())[2] == "x; rm -rf /"
    with pytest.raises(InputError, match="is no model"):
        ServePlan(model="--evil").command()
