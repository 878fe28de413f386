"""What docs/rewards.md shows works as shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from rewards_builders import reply_group, sample

from wherewise.answers import PromptConfig
from wherewise.rewards import Completion, MissingPolicy, RewardConfig, build_reward, build_rewards

PAGE = (Path(__file__).parents[2] / "docs" / "rewards.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_own_rewards(tmp_path: Path) -> None:
    brief, shortest = blocks("python")
    assert len([line for line in brief.splitlines() if line.strip()]) <= 10
    (tmp_path / "brief.py").write_text(brief)
    (tmp_path / "shortest.py").write_text(shortest)
    own = build_reward(RewardConfig(name=f"{tmp_path / 'brief.py'}:brief"))
    replies = (Completion(text="", tokens=50), Completion(text="", tokens=51), Completion(text="", truncated=True))
    assert [own(reply, sample(), PromptConfig()).value for reply in replies] == [1.0, 0.0, None]
    rewards = build_rewards([RewardConfig(name=f"{tmp_path / 'shortest.py'}:shortest")])
    assert [judgement.total for judgement in rewards.judge(reply_group("A", of=sample()))] == [1.0]


def test_mixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings,) = (yaml.safe_load(block) for block in blocks("yaml"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rewards").mkdir()
    (tmp_path / "rewards" / "mine.py").write_text(blocks("python")[0])
    configs = [RewardConfig.model_validate(row) for row in settings["rewards"]]
    rewards = build_rewards(configs, MissingPolicy(settings["missing"]))
    prompt = PromptConfig.model_validate(settings["prompt"])
    scene = "red chair (0,0,200,400); blue table (500,200,900,800)"
    text = f"<scene>{scene}</scene><answer>A</answer>"
    scores = rewards.score(Completion(text=text, tokens=40), sample(), prompt)
    assert rewards.total(scores) == pytest.approx(1 + 0.1 + 0.5 + 0.05)
