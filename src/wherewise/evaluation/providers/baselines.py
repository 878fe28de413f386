"""Baselines that see neither picture nor question: a uniform guess, and the most frequent gold answer of the task."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Sequence

from wherewise.answers.styles import PromptConfig, render_answer
from wherewise.evaluation.providers.base import Reply, Request
from wherewise.samples import LETTERS, Boolean, Choice, Sample


class RandomProvider:
    """Guesses uniformly among the options (or yes and no); an open question is left unanswered.

    The guess depends on the seed and the sample's id alone, not on the order of the questions.
    """

    batch_size = 256

    def __init__(self, samples: Sequence[Sample], *, seed: int = 0) -> None:
        self.name = f"random:{seed}"
        self.fingerprint = f"random-{seed}"
        self._seed = seed
        self._samples = {sample.id: sample for sample in samples}

    def order(self, requests: Sequence[Request]) -> list[Request]:
        """As given."""
        return list(requests)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """One guess each."""
        return [Reply(text=self._guess(self._samples[request.sample_id])) for request in requests]

    def _guess(self, sample: Sample) -> str:
        digest = hashlib.sha256(f"{self._seed}:{sample.id}".encode()).digest()
        rng = random.Random(int.from_bytes(digest[:8], "big"))
        if isinstance(sample.answer, Boolean):
            return rng.choice(["yes", "no"])
        if isinstance(sample.answer, Choice):
            return f"({LETTERS[rng.randrange(len(sample.options))]})"
        return ""


class FrequentProvider:
    """Always gives the task's most frequent gold answer, counted over the same samples.

    For choices, the most frequent letter or the most frequent option text, whichever is right more often; ties go to
    the first in alphabetical order.
    """

    batch_size = 256

    def __init__(self, samples: Sequence[Sample], prompt: PromptConfig) -> None:
        self.name = "frequent"
        self.fingerprint = "frequent"
        letters: dict[str, Counter[str]] = defaultdict(Counter)
        texts: dict[str, Counter[str]] = defaultdict(Counter)
        for sample in samples:
            if isinstance(sample.answer, Choice):
                letters[sample.task][f"({sample.answer.letter})"] += 1
                texts[sample.task][sample.answer.text] += 1
            else:
                texts[sample.task][render_answer(sample, prompt)] += 1
        self._by_task = {task: max(_top(letters[task]), _top(texts[task]), key=lambda top: top[1])[0] for task in texts}
        self._task = {sample.id: sample.task for sample in samples}

    def order(self, requests: Sequence[Request]) -> list[Request]:
        """As given."""
        return list(requests)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """The task's most frequent answer each."""
        return [Reply(text=self._by_task[self._task[request.sample_id]]) for request in requests]


def _top(counts: Counter[str]) -> tuple[str, int]:
    return min(counts.items(), key=lambda item: (-item[1], item[0])) if counts else ("", 0)
