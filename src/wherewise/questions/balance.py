"""Balanced answers: thin out what the words give away, and share tasks, answers and letters evenly.

A small logistic model per task learns, from every candidate that the scenes offer, how well the *words* of a question
predict its answer (``sofas are larger than cups``, ``cups are usually above tables``). A candidate is then kept with
probability ``min(p) / p(its answer)``: among those that are kept, no answer is likelier than another given the words.
Where one answer is all but certain the question is dropped. Families whose words nearly always tell, as the size of a
thing of known kind, are matched across scenes instead (`wherewise.questions.matching`). Ties in what is left go to the
task, the answer word and the letter that were used least.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence

from wherewise.questions.config import QuestionsConfig
from wherewise.questions.matching import Offer, match
from wherewise.questions.question import Question, Rejection
from wherewise.samples.answer import LETTERS, Choice, Number

HOPELESS, HOPELESS_OF_MANY = 0.02, 0.005
"""A choice of two, or of more, is dropped when the words leave one of its answers less than this probability."""
OPEN_FLOOR = 0.03
"""For open numbers: answers rarer than this do not pull the common ones down any further."""
SLACK = 6
"""How far the uses of two answer words or letters of a task may drift apart."""
FIRST_ROUNDS, LATER_ROUNDS = 6, 2
"""Passes of the model over its first block of candidates, and over each later one."""
LEARNING_RATE = 0.6
SHRINKAGE = 1e-3


def half_of(scene: str) -> int:
    """Which half of the scenes one belongs to, 0 or 1; the same everywhere."""
    return hashlib.sha256(f"balance/{scene}".encode()).digest()[0] % 2


class BlindModel:
    """Softmax over the possible answers of a question; a score is the sum of its cues' weights (AdaGrad)."""

    def __init__(self) -> None:
        self.weights: dict[str, float] = {}
        self._squares: dict[str, float] = {}

    def predict(self, cues: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
        """Probability of each possible answer, from its cues alone."""
        scores = {answer: sum(self.weights.get(cue, 0.0) for cue in names) for answer, names in cues.items()}
        top = max(scores.values())
        shares = {answer: math.exp(score - top) for answer, score in scores.items()}
        total = sum(shares.values())
        return {answer: share / total for answer, share in shares.items()}

    def learn(self, cues: Mapping[str, tuple[str, ...]], truth: str) -> None:
        """One gradient step."""
        gradient: dict[str, float] = {}
        for answer, probability in self.predict(cues).items():
            error = probability - (answer == truth)
            for cue in cues[answer]:
                gradient[cue] = gradient.get(cue, 0.0) + error
        for cue, slope in gradient.items():
            if slope == 0.0:
                continue
            weight = self.weights.get(cue, 0.0)
            slope += SHRINKAGE * weight
            self._squares[cue] = self._squares.get(cue, 1.0) + slope * slope
            self.weights[cue] = weight - LEARNING_RATE * slope / math.sqrt(self._squares[cue])


class Balancer:
    """Chooses among candidates, scene after scene; one for each split.

    Args:
        config: What to ask.
        seed: Seed of its random choices.
    """

    def __init__(self, config: QuestionsConfig, seed: int) -> None:
        self.config = config
        self.used: Counter[str] = Counter()
        self.slots: dict[tuple[str, str], Counter[str]] = {}
        self._models: dict[tuple[str, int], BlindModel] = {}
        self._rng = random.Random(seed)
        self._unmatched: Counter[str] = Counter()

    def observe(self, offers: Sequence[Offer], *, judged: bool = True) -> None:
        """Learn what the words of these candidates give away; call it with a block of scenes before choosing.

        Args:
            offers: Scene id and its candidates by task.
            judged: Whether `choose` will see these scenes. Then each teaches only the model that judges the *other*
                half of the scenes: a model that judged its own lessons would call everything predictable.
        """
        lessons: dict[tuple[str, int], list[Question]] = {}
        for scene, candidates in offers:
            for half in (1 - half_of(scene),) if judged else (0, 1):
                for task, asked in candidates.items():
                    lessons.setdefault((task, half), []).extend(q for q in asked if q.pool is None)
        for key, asked in sorted(lessons.items(), key=lambda item: item[0]):
            rounds = LATER_ROUNDS if key in self._models else FIRST_ROUNDS
            model = self._models.setdefault(key, BlindModel())
            for _ in range(rounds):
                for question in self._rng.sample(asked, len(asked)):
                    model.learn(question.cues, question.key)

    def prepare(self, offers: Sequence[Offer]) -> list[Offer]:
        """Match the questions of a block of scenes that belong to pools, and learn from all of its candidates.

        Args:
            offers: Scene id and its candidates by task.

        Returns:
            What to `choose` from; `choose` is called with each of them.
        """
        if not self.config.balance:
            return list(offers)
        matched = match(offers, self.config, self._rng)
        for (scene, before), (_, after) in zip(offers, matched, strict=True):
            self._unmatched[scene] = sum(map(len, before.values())) - sum(map(len, after.values()))
        self.observe(matched)
        return matched

    def keep_probability(self, question: Question, scene: str) -> float:
        """How often a question with these words and this answer may stay; 0 when the words all but tell the answer."""
        model = self._models.get((question.task, half_of(scene)))
        if model is None or len(question.cues) < 2:
            return 1.0
        chances = model.predict(question.cues)
        rarest = min(chances.values())
        if isinstance(question.answer, Number):
            rarest = max(rarest, OPEN_FLOOR)
        elif rarest < (HOPELESS if len(chances) == 2 else HOPELESS_OF_MANY) * self.config.blind_strength:
            return 0.0
        return float(min(1.0, rarest / chances[question.key]) ** self.config.blind_strength)

    def choose(
        self, scene: str, candidates: Mapping[str, Sequence[Question]]
    ) -> tuple[list[Question], Counter[Rejection]]:
        """Pick a scene's questions.

        Args:
            scene: Id of the scene.
            candidates: Questions by task.

        Returns:
            At most `per_scene` questions, `per_task` of each task, and how many were dropped for which reason.
        """
        dropped: Counter[Rejection] = Counter({Rejection.UNMATCHED: self._unmatched.pop(scene, 0)})
        left: dict[str, list[Question]] = {}
        for task in sorted(candidates):
            for question in candidates[task]:
                if self.config.balance and self._rng.random() >= self.keep_probability(question, scene):
                    dropped[Rejection.PREDICTABLE] += 1
                else:
                    left.setdefault(task, []).append(question)
        chosen: list[Question] = []
        taken: Counter[str] = Counter()
        while left and len(chosen) < self.config.per_scene:
            task = min(left, key=lambda name: (self.used[name] / self.config.weights.get(name, 1.0), name))
            best = min(left[task], key=self._use)
            left[task].remove(best)
            if not left[task]:
                del left[task]
            if self.config.balance and self._use(best) > SLACK:
                dropped[Rejection.SURPLUS] += 1
                continue
            self._count(best)
            chosen.append(best)
            taken[task] += 1
            if taken[task] == self.config.per_task and task in left:
                dropped[Rejection.SURPLUS] += len(left.pop(task))
        dropped[Rejection.SURPLUS] += sum(map(len, left.values()))
        return chosen, +dropped

    def _places(self, question: Question) -> list[tuple[tuple[str, str], str, tuple[str, ...]]]:
        """What is shared evenly: ((task, kind), this question's slot, all slots)."""
        places: list[tuple[tuple[str, str], str, tuple[str, ...]]] = []
        if question.words:
            places.append(((question.task, "word"), question.key, question.words))
        if isinstance(question.answer, Choice):
            letters = tuple(LETTERS[: len(question.options)])
            places.append(((question.task, f"letter of {len(letters)}"), question.answer.letter, letters))
        return places

    def _use(self, question: Question) -> int:
        """How much more often this answer was used than the least used one."""
        worst = 0
        for kind, slot, slots in self._places(question):
            counts = self.slots.get(kind, Counter())
            worst = max(worst, counts[slot] - min(counts[name] for name in slots))
        return worst

    def _count(self, question: Question) -> None:
        self.used[question.task] += 1
        for kind, slot, _ in self._places(question):
            self.slots.setdefault(kind, Counter())[slot] += 1
