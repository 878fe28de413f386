"""Keys and tokens of the environment are in nothing that is written: runs, evaluations, verdicts, caches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_server import FakeServer, Request, Say
from training_toy import save_tiny, toy_samples

from wherewise.cli.main import run
from wherewise.samples.store import write_dataset

pytest.importorskip("openai")

KEYS = {
    name: f"sk-{name.lower()}-8f3c1e"
    for name in (
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "HF_TOKEN",
        "WANDB_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "MY_JUDGE_KEY",
    )
}

RUN = """
out: {out}
model: {{path: {model}, device: cpu}}
data: {{path: {data}}}
prompt: {{options: none, instruction: false}}
steps: 1
threads: 1
"""
GRPO = """
prompts_per_step: 2
micro_prompts: 2
generations: 2
max_new_tokens: 4
rewards: [{{name: "{reward}", weight: 1.0}}]
"""
REWARD = '''
"""A reward that asks a judge."""

from wherewise.judge import CORRECTNESS, CorrectnessItem, Judge, JudgeConfig
from wherewise.rewards import Score


def judged(completion, sample, prompt):
    config = JudgeConfig(base_url="{url}", model="m", api_key_env="MY_JUDGE_KEY", cache="{cache}", retries=0)
    with Judge(config) as judge:
        item = CorrectnessItem(question=sample.question, reference="red", answer=completion.text or "?")
        (verdict,) = judge.run(CORRECTNESS, [item])
    return Score(value=float(len(completion.text) % 2), note=str(verdict))
'''


def reply(request: Request) -> Say:
    """What a server says that has seen the key, and repeats it."""
    key = request.headers.get("authorization", "")
    return Say(json.dumps({"reason": f"you sent {key}", "verdict": "correct"}))


def test_no_key_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    model, data = save_tiny(tmp_path / "model"), tmp_path / "data"
    samples = toy_samples(6)
    write_dataset([*samples], data)
    with FakeServer(reply) as server:
        (tmp_path / "mine.py").write_text(REWARD.format(url=server.url, cache=tmp_path / "judge.sqlite"))
        for phase, extra in (("sft", ""), ("grpo", GRPO.format(reward=f"{tmp_path / 'mine.py'}:judged"))):
            text = RUN.format(out=tmp_path / phase, model=model, data=data) + extra
            (tmp_path / f"{phase}.yaml").write_text(text + ("audit: 'off'\n" if extra else ""))
            assert run([phase, f"{phase}.yaml", "--quiet"]) == 0, capfd.readouterr().err
        records = "".join(
            json.dumps({"id": f"q{i}", "question": "Is it red?", "options": ["yes", "no"], "answer": "yes"}) + "\n"
            for i in range(3)
        )
        (tmp_path / "mine.jsonl").write_text(records)
        words = ["eval", "run", "mine.jsonl", "--model", "openai:m", "--base-url", server.url]
        assert run([*words, "--api-key-env", "OPENAI_API_KEY", "--out", "eval/mine"]) == 0, capfd.readouterr().err
        (tmp_path / "judge.yaml").write_text(
            f"judge: {{base_url: {server.url}, model: m, api_key_env: MY_JUDGE_KEY, cache: judge2.sqlite}}\n"
        )
        run(["doctor", "--judge", "judge.yaml", "--json"])
        sent = " ".join(request.headers.get("authorization", "") for request in server.requests)
    assert KEYS["MY_JUDGE_KEY"] in sent, "the judge was asked with the key"
    assert KEYS["OPENAI_API_KEY"] in sent, "the model was asked with the key"
    captured = capfd.readouterr()
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for wanted in ("grpo/config.resolved.yaml", "grpo/env.json", "grpo/metrics.jsonl", "judge.sqlite"):
        assert tmp_path / wanted in written
    assert any("eval" in path.parts for path in written)
    for name, key in KEYS.items():
        found = [str(path.relative_to(tmp_path)) for path, content in written.items() if key.encode() in content]
        assert not found, f"{name} is in {found}"
        assert key not in captured.out + captured.err
