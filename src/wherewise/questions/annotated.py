"""Annotated scenes to balanced samples: what `wherewise.questions.dataset` does for simulated ones."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from wherewise.questions.balance import Balancer
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.generate import candidates
from wherewise.questions.question import Question
from wherewise.questions.sampling import to_sample
from wherewise.samples.sample import Sample
from wherewise.scenes.annotated import Annotated

CLEAR, KEPT = "clear", "kept"
"""Outcomes of a family that are no rejections: questions that were clear enough, and those that the balancer kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of asking one scene the questions of one family.

    Attributes:
        source: Scan set or dataset.
        scene: Id of the scene.
        split: Split that the scene belongs to.
        task: The family.
        counts: `CLEAR`, `KEPT` and the reasons of rejection, each with how often.
    """

    source: str
    scene: str
    split: str
    task: str
    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A scene that waits for the balancer."""

    item: Annotated
    candidates: Mapping[str, list[Question]]
    refused: Mapping[str, Counter[str]]


def ask_scenes(
    items: Iterable[tuple[str, Annotated]],
    config: QuestionsConfig,
    *,
    seed: int = 0,
    rejections: Counter[str] | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
    on_scene: Callable[[str, Annotated], None] | None = None,
) -> Iterator[Sample]:
    """Ask scenes and balance the answers within each split.

    The questions of a scene follow from `seed` and its id alone, so they do not depend on the scenes around it; which
    of them the balancer keeps does. Holds `config.block` scenes of each split in memory.

    Args:
        items: Scenes with their splits.
        config: What is asked. Without a vocabulary nothing absent is asked for.
        seed: Seed of everything.
        rejections: Counter that is filled with the reasons of rejected questions, as it goes.
        on_outcome: Called with what came of each scene and family.
        on_scene: Called with split and scene for each scene that gave samples, before its samples come.

    Yields:
        The samples, a block of scenes of one split after the other.
    """
    tally: Counter[str] = Counter() if rejections is None else rejections
    asked = config if config.vocabulary is not None else config.model_copy(update={"vocabulary": ()})
    waiting: dict[str, list[_Asked]] = {}
    balancers: dict[str, Balancer] = {}

    def flush(split: str) -> Iterator[Sample]:
        block = waiting.pop(split)
        balancer = balancers.setdefault(split, Balancer(asked, _seed(seed, split)))
        offers = balancer.prepare([(each.item.scene.id, each.candidates) for each in block])
        for each, (_, offered) in zip(block, offers, strict=True):
            scene = each.item.scene
            chosen, dropped = balancer.choose(scene.id, offered)
            tally.update({f"questions.{reason}": number for reason, number in dropped.items()})
            kept = Counter(question.task for question in chosen)
            for task, reasons in each.refused.items():
                tally.update({f"questions.{reason}": number for reason, number in reasons.items()})
                if on_outcome is not None:
                    clear = len(each.candidates.get(task, ()))
                    counts = +Counter({CLEAR: clear, KEPT: kept[task]} | dict(reasons))
                    on_outcome(Outcome(source=scene.source, scene=scene.id, split=split, task=task, counts=counts))
            if chosen and on_scene is not None:
                on_scene(split, each.item)
            yield from _samples(chosen, each.item, split, asked)

    for split, item in items:
        waiting.setdefault(split, []).append(_ask(item, asked, seed))
        if len(waiting[split]) >= asked.block:
            yield from flush(split)
    for split in sorted(waiting):
        yield from flush(split)


def _seed(seed: int, split: str) -> int:
    return int.from_bytes(hashlib.sha256(f"balance/{seed}/{split}".encode()).digest()[:4], "big")


def _ask(item: Annotated, config: QuestionsConfig, seed: int) -> _Asked:
    found: dict[str, list[Question]] = {}
    refused: dict[str, Counter[str]] = {}
    for name in config.families:
        rng = random.Random(f"questions/{seed}/{item.scene.id}/{name}")
        questions, why_not = candidates(item.scene, families=(name,), rng=rng, config=config)
        found |= questions
        refused[name] = Counter({str(reason): number for reason, number in why_not.items()})
    return _Asked(item=item, candidates=found, refused=refused)


def _samples(chosen: Iterable[Question], item: Annotated, split: str, config: QuestionsConfig) -> Iterator[Sample]:
    numbers: Counter[str] = Counter()
    for question in chosen:
        sample = to_sample(
            question,
            item.scene,
            item.media,
            number=numbers[question.task],
            split=split,
            license=item.license,
            margins=config.margins,
            rationale=config.rationale,
        )
        yield dataclasses.replace(sample, facts={**sample.facts, "place": item.place})
        numbers[question.task] += 1
