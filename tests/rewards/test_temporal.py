"""Temporal alignment and its consistency gate, by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rewards_builders import THINK, reply_group, sample, score, video_sample

from wherewise.rewards import GroupReward, RewardConfig, build_reward
from wherewise.rewards.conclusion import Reasoning, conclusion_of
from wherewise.rewards.similarity import WordSimilarity
from wherewise.rewards.temporal import TemporalParams, TemporalReward, alignment, times_match
from wherewise.rewards.timeline import extract_by_rules, timeline_block
from wherewise.samples import Timeline, TimelineEvent
from wherewise.samples.errors import InputError

WORDS = {"similarity": "words", "consistency": "off"}


def event(start: float, end: float, label: str = "x") -> TimelineEvent:
    return TimelineEvent(label=label, start=start, end=end)


def reply(think: str, answer: str = "A") -> str:
    return f"<think>{think}</think><answer>{answer}</answer>"


@pytest.mark.parametrize(
    ("claim", "truth", "matches"),
    [
        (event(10, 12), event(10, 12), True),
        (event(8, 14), event(10, 12), True),
        (event(7.9, 7.9), event(10, 12), False),
        (event(14.1, 14.1), event(10, 12), False),
        (event(11, 11), event(0, 60), True),
        (event(7, 15), event(10, 12), True),  # 6 of 8 seconds shared with the widened event
        (event(0, 60), event(10, 12), False),
        (event(0, 60), event(0, 60), True),
        (event(29, 31), event(30, 30), True),
    ],
)
def test_times_match(claim: TimelineEvent, truth: TimelineEvent, matches: bool) -> None:
    assert times_match(claim, truth, 2.0, 0.5) is matches


def test_alignment_by_hand() -> None:
    truth = [event(10, 12, "man sits"), event(30, 30, "woman opens door")]
    claims = [event(11, 11, "man sits"), event(50, 50, "woman opens door"), event(11, 11, "dog barks")]
    found = alignment(claims, truth, WordSimilarity())
    assert found == {
        "claims": 3.0,
        "matches": 1.0,
        "precision": pytest.approx(1 / 3),
        "recall": 0.5,
        "f1": pytest.approx(2 / 5),
    }
    assert alignment([], truth, WordSimilarity())["f1"] == 0.0
    assert alignment(claims, [], WordSimilarity())["f1"] == 0.0


def test_matching_is_optimal_not_greedy() -> None:
    """Greedy in time order gives the first claim the only event that the second could have."""
    truth = [event(10, 10, "man sits"), event(13, 13, "man sits")]
    claims = [event(11.5, 11.5, "man sits"), event(8, 8, "man sits")]
    assert alignment(claims, truth, WordSimilarity())["matches"] == 2.0


@pytest.mark.parametrize(
    ("think", "expected"),
    [
        ("At 00:11 a man sits down. At 00:30 a woman opens the door.", 1.0),
        ("At 00:11 a man sits down.", 2 / 3),
        ("At 00:11 a man sits down. At 00:50 a woman opens the door.", 0.5),
        ("A man sits down, then a woman opens the door.", 0.0),
        ("", 0.0),
        ("At 00:11 a dog barks.", 0.0),
    ],
)
def test_value(think: str, expected: float) -> None:
    assert score("temporal", reply(think), video_sample(), **WORDS).value == pytest.approx(expected)


def test_spam_of_one_claim_is_punished() -> None:
    think = "At 00:11 a man sits down. " * 1 + " ".join(f"At 00:{s:02d} a man sits down." for s in range(13, 60))
    found = score("temporal", reply(think), video_sample(), **WORDS)
    assert found.value is not None
    assert found.value < 0.1


def test_timeline_block_comes_first() -> None:
    body = '{"00:10-00:12": "a man sits down", "00:30": "a woman opens the door"}'
    text = f"<timeline>{body}</timeline><answer>A</answer>"
    assert score("temporal", text, video_sample(), **WORDS).value == pytest.approx(1.0)
    assert timeline_block("<think>At 0:05 he waves.</think>") is None
    assert timeline_block("<timeline>nothing</timeline>") == []


def test_rules_gate_shuts_on_a_contradiction() -> None:
    good = "At 00:11 a man sits down. At 00:30 a woman opens the door. So the answer is A."
    settings = {"similarity": "words"}
    assert score("temporal", reply(good), video_sample(), **settings).value == pytest.approx(1.0)
    shut = score("temporal", reply(good, "B"), video_sample(), **settings)
    assert shut.value == 0.0
    assert "disagree" in shut.note
    assert shut.parts["f1"] == pytest.approx(1.0)


def test_no_timeline_no_value() -> None:
    assert score("temporal", reply("At 0:11 he sits."), sample(), **WORDS).value is None
    empty = video_sample(evidence=Timeline(events=()))
    assert score("temporal", reply("At 0:11 he sits."), empty, **WORDS).value is None


def test_extractor_and_judge_are_asked_once_a_group() -> None:
    asked: list[int] = []

    def extractor(replies: Sequence[Reasoning]) -> list[list[TimelineEvent] | None]:
        asked.append(len(replies))
        return [None if "fails" in reply.think else extract_by_rules([reply])[0] for reply in replies]

    def judge(replies: Sequence[Reasoning]) -> list[float | None]:
        asked.append(len(replies))
        return [None if "unclear" in r.think else float("contrary" not in r.think) for r in replies]

    reward = TemporalReward(TemporalParams(similarity="words"), extractor, judge)
    good = "At 00:11 a man sits down. At 00:30 a woman opens the door."
    thinks = (good, f"{good} contrary", f"{good} unclear", "unclear", "fails", "fails contrary")
    scores = reward.score_group(reply_group(*map(reply, thinks), of=video_sample()))
    assert asked == [6, 6]
    assert [s.value for s in scores] == [pytest.approx(1.0), 0.0, None, 0.0, None, 0.0]


def test_judge_needs_settings() -> None:
    with pytest.raises(InputError, match="needs the settings of a `judge`"):
        build_reward(RewardConfig(name="temporal", params={"extractor": "judge"}))


@pytest.mark.parametrize(
    ("think", "letter"),
    [
        ("The chair is at x 10. So it is left of the table.", "A"),
        ("It could be left. Therefore the answer is B.", "B"),
        ("The chair is to the right.", "B"),
        ("Hard to say.", None),
        ("", None),
    ],
)
def test_conclusions(think: str, letter: str | None) -> None:
    found = conclusion_of(think, sample(), THINK)
    assert (found.value if found else None) == letter


def test_a_judge_over_http_and_one_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The claims and the gate from a real server; a failing one is a missing value, not a 0."""
    pytest.importorskip("openai", reason="the judge needs the openai package")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "judge"))
    from fake_server import FakeServer, Fault, Say

    def behave(request: Any) -> Any:
        if "broken" in request.text:
            return Fault(503)
        if "claims" in request.text.split("<")[0] and "timed claim" in request.text:
            claim = {"start": "00:11", "end": "00:11", "text": "a man sits down"}
            return Say(json.dumps({"claims": [claim]}))
        verdict = "inconsistent" if "contrary" in request.text else "consistent"
        return Say(json.dumps({"conclusion": "left", "verdict": verdict}))

    with FakeServer(behave) as server:
        judge = {"base_url": server.url, "model": "judge", "retries": 0, "budget": {"max_none_share": 1.0}}
        params = {"similarity": "words", "extractor": "judge", "consistency": "judge", "judge": judge}
        reward = build_reward(RewardConfig(name="temporal", params=params))
        assert isinstance(reward, GroupReward)
        thinks = ("He sat.", "He sat, on the contrary.", "It is broken.")
        scores = reward.score_group(reply_group(*map(reply, thinks), of=video_sample()))
    assert [s.value for s in scores] == [pytest.approx(2 / 3), 0.0, None]
    assert scores[2].note == "the claims could not be extracted"
