"""Ask a scene: draw from every family, keep what is clear and new."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from wherewise.questions.config import QuestionsConfig
from wherewise.questions.families import FAMILIES
from wherewise.questions.question import STRUCTURAL, Question, Rejection
from wherewise.scenes import Scene


def candidates(
    scene: Scene, *, families: Sequence[str], rng: random.Random, config: QuestionsConfig
) -> tuple[dict[str, list[Question]], Counter[Rejection]]:
    """Up to `config.attempts` different questions of each family.

    Returns:
        Questions by task, in drawing order, and how often each reason refused one.
    """
    found: dict[str, list[Question]] = {}
    refused: Counter[Rejection] = Counter()
    for name in families:
        family = FAMILIES[name]
        kept: list[Question] = []
        known: set[tuple[str, frozenset[str]]] = set()
        for _ in range(config.attempts):
            drawn = family(scene, rng, config)
            if isinstance(drawn, Rejection):
                refused[drawn] += 1
                if drawn in STRUCTURAL:
                    break
                continue
            gist = (str(drawn.facts.get("label", "")), frozenset(drawn.focus))
            if gist in known:
                refused[Rejection.DUPLICATE] += 1
                continue
            known.add(gist)
            kept.append(drawn)
        if kept:
            found[name] = kept
    return found, refused


def ask(
    scene: Scene,
    *,
    rng: random.Random,
    families: Sequence[str] | None = None,
    per_scene: int | None = None,
    config: QuestionsConfig | None = None,
) -> tuple[list[Question], Counter[Rejection]]:
    """Ask one scene some questions, the families taking turns in random order.

    Nothing is balanced across scenes here; :class:`wherewise.questions.balance.Balancer` does that.

    Args:
        scene: The scene.
        rng: Random state; the same state gives the same questions.
        families: Task names; the config's by default.
        per_scene: Most questions; the config's by default.
        config: Margins, phrasings and the rest; defaults where None.

    Returns:
        The questions, and how often each reason refused one.
    """
    config = config or QuestionsConfig()
    found, refused = candidates(scene, families=families or config.families, rng=rng, config=config)
    wanted = config.per_scene if per_scene is None else per_scene
    order = sorted(found)
    rng.shuffle(order)
    questions: list[Question] = []
    for turn in range(config.attempts):
        for name in order:
            if turn < len(found[name]) and len(questions) < wanted:
                questions.append(found[name][turn])
    refused[Rejection.SURPLUS] += sum(map(len, found.values())) - len(questions)
    return questions, +refused
