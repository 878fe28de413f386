"""Samples and replies for the tests of rewards."""

from __future__ import annotations

import json
from typing import Any

from wherewise.answers import PromptConfig, PromptStyle
from wherewise.rewards import Completion, ReplyGroup, RewardConfig, Score, build_reward
from wherewise.samples import (
    Answer,
    Choice,
    GraphObject,
    Image,
    Number,
    Relation,
    Sample,
    SceneGraph,
    Timeline,
    TimelineEvent,
    Video,
)

THINK = PromptConfig(style=PromptStyle.THINK)
PIXELS = PromptConfig(style=PromptStyle.SCENE_GRAPH, coordinates="pixels")

GRAPH = SceneGraph(
    width=200,
    height=100,
    objects=(
        GraphObject(id="c", label="red chair", box=(0, 0, 40, 40)),
        GraphObject(id="t", label="blue table", box=(100, 20, 180, 80)),
    ),
    relations=(Relation(subject="c", predicate="left of", object="t"),),
    focus=("c", "t"),
)
TIMELINE = Timeline(
    events=(
        TimelineEvent(label="a man sits down", start=10.0, end=12.0),
        TimelineEvent(label="a woman opens the door", start=30.0, end=30.0),
    )
)


def sample(**changes: Any) -> Sample:
    """A choice between left (right) and right (wrong)."""
    fields: dict[str, Any] = {
        "id": "s1",
        "media": (Image(path="a.png", width=200, height=100),),
        "question": "Where is the chair, left or right of the table?",
        "options": ("left", "right"),
        "answer": Choice(letter="A", text="left"),
        "task": "left_right",
        "group": "g",
        "evidence": GRAPH,
    }
    return Sample(**fields | changes)


def plain_sample(answer: Answer, **changes: Any) -> Sample:
    """A question without options."""
    return sample(**{"options": (), "answer": answer, "evidence": None} | changes)


def video_sample(**changes: Any) -> Sample:
    return sample(**{"media": (Video(path="a.mp4"),), "evidence": TIMELINE} | changes)


METRES = plain_sample(Number(value=2.0, unit="m"))


def score(name: str, text: str, of: Sample, prompt: PromptConfig = THINK, /, **params: object) -> Score:
    """What a registered reward says about one reply."""
    return build_reward(RewardConfig(name=name, params=params))(Completion(text=text, tokens=400), of, prompt)


def reply_group(*texts: str, of: Sample, prompt: PromptConfig = THINK, shuffled: tuple[str, ...] = ()) -> ReplyGroup:
    return ReplyGroup(
        completions=tuple(Completion(text=text) for text in texts),
        sample=of,
        prompt=prompt,
        shuffled=tuple(Completion(text=text) for text in shuffled),
    )


def scene_json(*objects: tuple[str, list[float]], relations: tuple[tuple[str, str, str], ...] = ()) -> str:
    """A scene as SpatialThinker writes it."""
    rows = [{"subject": a, "predicate": p, "object": b} for a, p, b in relations]
    return json.dumps({"objects": [{"id": i, "bbox": box} for i, box in objects], "relationships": rows})
