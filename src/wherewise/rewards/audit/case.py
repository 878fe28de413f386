"""One question of an audit, and how replies to it are written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from wherewise.answers.grid_text import write_grid
from wherewise.answers.styles import PromptConfig, render_answer, render_prompt, scene_text
from wherewise.answers.timelines import write_timeline
from wherewise.rewards.legacy import LEGACY
from wherewise.rewards.legacy.from_samples import timeline_text
from wherewise.rewards.mixture import Rewards
from wherewise.samples import (
    LETTERS,
    Answer,
    Boolean,
    Box,
    Choice,
    Evidence,
    GridMap,
    Number,
    Order,
    Point,
    Sample,
    SceneGraph,
    Text,
    Timeline,
)

Write = Callable[[Sample, str], str]
"""A sample and some reasoning to a reply that answers the sample's answer and states the sample's evidence."""


def native_write(prompt: PromptConfig) -> Write:
    """How replies are written in a prompt's style."""

    def body(block: str, sample: Sample, think: str) -> str:
        evidence = sample.evidence
        match block:
            case "answer":
                return render_answer(sample, prompt)
            case "scene":
                return scene_text(sample, prompt) if isinstance(evidence, SceneGraph) else "none"
            case "map":
                return write_grid(evidence) if isinstance(evidence, GridMap) else "{}"
            case "timeline":
                return write_timeline(evidence) if isinstance(evidence, Timeline) else "none"
            case "think" if isinstance(evidence, Timeline) and "timeline" not in prompt.blocks:
                return f"{timeline_text(evidence)} {think}"
        return think

    def write(sample: Sample, think: str) -> str:
        if not prompt.blocks:
            return render_answer(sample, prompt)
        return "".join(f"<{block}>{body(block, sample, think)}</{block}>" for block in prompt.blocks)

    return write


_WITHOUT_LETTERS = ("legacy.math", "legacy.dora", "legacy.dora_f1", "legacy.reinforcesight")
"""Legacy rewards whose prompts show no option letters."""


def writer(rewards: Rewards, prompt: PromptConfig) -> tuple[Write, bool]:
    """How replies to a mixture are written, and whether options have letters.

    In the published layout of the mixture's first legacy reward, else in the prompt's style.
    """
    for config in rewards.configs:
        entry = LEGACY.get(config.name)
        if entry is not None and entry.write is not None:
            return entry.write, entry.name not in _WITHOUT_LETTERS
    return native_write(prompt), prompt.options == "letters"


def wrong_answer(sample: Sample) -> Answer:
    """An answer of the same kind that is wrong by far."""
    match sample.answer:
        case Choice() as choice:
            at = (choice.index + 1) % len(sample.options)
            return Choice(letter=LETTERS[at], text=sample.options[at])
        case Number() as number:
            return dataclasses.replace(number, value=abs(number.value) * 3 + 7)
        case Boolean() as boolean:
            return Boolean(value=not boolean.value)
        case Text():
            return Text(value="zebra")
        case Order() as order:
            return Order(items=order.items[::-1])
        case Box(xyxy=(x1, y1, x2, y2)):
            return Box(xyxy=(x2 + 20, y2 + 20, 2 * x2 - x1 + 20, 2 * y2 - y1 + 20))
        case Point(xy=(x, y)):
            return Point(xy=(x / 3, y / 3))
        case GridMap() as grid:
            return renamed_map(grid)


def renamed_map(grid: GridMap) -> GridMap:
    """The same cells of things that aren't there."""
    return GridMap(size=grid.size, cells=tuple((f"zebra {i}", cells) for i, (_, cells) in enumerate(grid.cells)))


def without_evidence(evidence: Evidence) -> Evidence:
    """Evidence of the same kind that states nothing."""
    match evidence:
        case SceneGraph():
            return dataclasses.replace(evidence, objects=(), relations=(), focus=())
        case Timeline():
            return Timeline(events=())
        case GridMap():
            return GridMap(size=evidence.size, cells=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One question of an audit.

    Attributes:
        sample: The question.
        prompt: How it is put.
        write: How replies are written.
        letters: The prompt shows option letters, so that a letter is an honest answer.
    """

    sample: Sample
    prompt: PromptConfig
    write: Write
    letters: bool

    @property
    def think(self) -> str:
        """Reasoning that says nothing of the answer."""
        return self.sample.rationale or "I look at the picture."

    @property
    def question(self) -> str:
        """The whole prompt as text."""
        return render_prompt(self.sample, self.prompt)

    def right(self, think: str | None = None) -> str:
        """The right reply, with the true evidence."""
        return self.write(self.sample, self.think if think is None else think)

    def wrong(self, think: str | None = None) -> str:
        """A well-formed wrong reply, with the true evidence."""
        wrong = dataclasses.replace(self.sample, answer=wrong_answer(self.sample))
        return self.write(wrong, self.think if think is None else think)

    def say(self, answer: str, think: str | None = None) -> str:
        """A reply whose answer is some text, with the true evidence."""
        said = dataclasses.replace(self.sample, answer=Text(value=answer), options=())
        return self.write(said, self.think if think is None else think)

    def state(self, evidence: Evidence) -> str:
        """A reply with the right answer and some evidence."""
        return self.write(dataclasses.replace(self.sample, evidence=evidence), self.think)

    def answer_text(self, answer: Answer) -> str:
        """How an answer of the sample is written in words."""
        if isinstance(answer, Choice):
            return f"({answer.letter}) {answer.text}" if self.letters else answer.text
        return render_answer(dataclasses.replace(self.sample, answer=answer), self.prompt)
