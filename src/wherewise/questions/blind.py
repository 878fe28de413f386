"""What can be answered without looking: a classifier that reads the words of question and options and sees no picture.

A conditional logistic regression scores each option by its own words, its place, and every pair of an option word and
a question word (alone, and with how many articles came before it, which tells the first-named thing from the second);
it is trained on half of the groups (scenes) and tested on the other half, then the other way round. It shares nothing
with the balancer: it works on the texts of finished samples, so that it also judges data from elsewhere.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from wherewise.samples.answer import Boolean, Choice, Number, answer_text
from wherewise.samples.sample import Sample

_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class BlindResult:
    """What the words of one task give away.

    Attributes:
        task: The task.
        kind: Answer kind: ``choice``, ``boolean`` or ``number``.
        tested: Questions tested on, each by a classifier that was trained on the half without its group.
        accuracy: Share that the classifiers get right.
        majority: Share that "the most frequent answer to these very words" gets right, halves as above.
        chance: Mean of one over the number of possible answers.
        margin: Half-width of the 95% interval of `accuracy` (normal approximation).
    """

    task: str
    kind: str
    tested: int
    accuracy: float
    majority: float
    chance: float
    margin: float

    @property
    def excess(self) -> float:
        """Accuracy above chance, in points."""
        return 100 * (self.accuracy - self.chance)


@dataclass(frozen=True, slots=True)
class _Item:
    group: str
    question: str
    options: tuple[str, ...]
    truth: int


def blind_report(samples: Iterable[Sample], *, penalty: float = 1.0) -> list[BlindResult]:
    """Measure blind solvability of each task and answer kind.

    Args:
        samples: Finished samples; only choices, yes/no questions and counts (numbers without a unit) are measured.
        penalty: Strength of the L2 penalty on the weights.

    Returns:
        One result per task and kind, sorted; tasks with fewer than four groups are left out.
    """
    rows: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for sample in samples:
        if isinstance(sample.answer, Choice | Boolean) or (
            isinstance(sample.answer, Number) and sample.answer.unit is None
        ):
            rows[sample.task, sample.answer.kind].append(sample)
    results = []
    for (task, kind), found in sorted(rows.items()):
        items = _items(found)
        halves = [[item for item in items if _half(item.group) == half] for half in (0, 1)]
        if min(len({item.group for item in half}) for half in halves) < 2:
            continue
        folds = (halves, halves[::-1])
        accuracy = _classified(halves[0] + halves[1], len(halves[0]), penalty) / len(items)
        results.append(
            BlindResult(
                task=task,
                kind=kind,
                tested=len(items),
                accuracy=accuracy,
                majority=sum(_majority(train, test) for train, test in folds) / len(items),
                chance=sum(1 / len(item.options) for item in items) / len(items),
                margin=1.96 * math.sqrt(max(accuracy * (1 - accuracy), 1e-9) / len(items)),
            )
        )
    return results


def blind_table(results: Sequence[BlindResult]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| task | kind | tested | blind accuracy | chance | excess (points) | same-words majority |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.task} | {r.kind} | {r.tested} | {100 * r.accuracy:.1f} ± {100 * r.margin:.1f} | {100 * r.chance:.1f} "
        f"| {r.excess:+.1f} | {100 * r.majority:.1f} |"
        for r in results
    ]
    return "\n".join(lines)


def _items(samples: Sequence[Sample]) -> list[_Item]:
    numbers = sorted({s.answer.value for s in samples if isinstance(s.answer, Number)})
    items = []
    for sample in samples:
        if isinstance(sample.answer, Choice):
            options, truth = sample.options, sample.answer.index
        elif isinstance(sample.answer, Boolean):
            options, truth = ("yes", "no"), 0 if sample.answer.value else 1
        else:
            options, text = tuple(f"{value:g}" for value in numbers), answer_text(sample.answer).split(" ")[0]
            truth = options.index(text)
        items.append(_Item(sample.group, sample.question.lower(), options, truth))
    return items


def _half(group: str) -> int:
    return hashlib.sha256(group.encode()).digest()[0] % 2


def _features(item: _Item, place: int) -> Counter[str]:
    """Words of the option, its place, and word pairs with the question; the option's own words are marked in it."""
    option = item.options[place].lower()
    marked = item.question.replace(option, " thisoption ") if len(option) > 2 else item.question
    for other in item.options:
        if len(other) > 2 and other.lower() != option:
            marked = marked.replace(other.lower(), " otheroption ")
    asked = set(_WORD.findall(item.question)) | {f"~{word}" for word in _WORD.findall(marked)}
    articles = 0
    for word in _WORD.findall(item.question):
        articles += word == "the"
        asked.add(f"{articles}.{word}")
    others = {word for index, text in enumerate(item.options) if index != place for word in _WORD.findall(text.lower())}
    words = set(_WORD.findall(option))
    found: Counter[str] = Counter({f"place {place}": 1, f"text {option}": 1})
    for word in words:
        found[f"word {word}"] += 1
        found.update(f"pair {word} {other}" for other in asked)
        found.update(f"rival {word} {other}" for other in others)
    return found


def _matrix(items: Sequence[_Item]) -> csr_matrix:
    """Features of all options, one row each, item after item."""
    names: dict[str, int] = {}
    columns: list[int] = []
    values: list[int] = []
    ends = [0]
    for item in items:
        for place in range(len(item.options)):
            found = _features(item, place)
            columns += [names.setdefault(name, len(names)) for name in found]
            values += found.values()
            ends.append(len(columns))
    return csr_matrix((np.array(values, dtype=np.float64), columns, ends), shape=(len(ends) - 1, len(names)))


def _classified(items: Sequence[_Item], split: int, penalty: float) -> int:
    """Right answers: each side of the split is answered by the classifier that was trained on the other."""
    matrix = _matrix(items)
    row = sum(len(item.options) for item in items[:split])
    one, two = (items[:split], matrix[:row]), (items[split:], matrix[row:])
    return _classify(*one, *two, penalty) + _classify(*two, *one, penalty)


def _classify(
    train: Sequence[_Item], matrix: csr_matrix, test: Sequence[_Item], test_matrix: csr_matrix, penalty: float
) -> int:
    """Right answers on the test side. What training never showed keeps the weight 0."""
    starts = np.cumsum([0] + [len(item.options) for item in train])
    owner = np.repeat(np.arange(len(train)), np.diff(starts))
    truth = starts[:-1] + np.array([item.truth for item in train])
    shown = np.unique(matrix.indices)
    matrix = matrix[:, shown]
    turned = matrix.T.tocsr()

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = matrix @ weights
        scores = scores - np.maximum.reduceat(scores, starts[:-1])[owner]
        shares = np.exp(scores)
        totals = np.add.reduceat(shares, starts[:-1])
        value = np.log(totals).sum() - scores[truth].sum() + 0.5 * penalty * weights @ weights
        residual = shares / totals[owner]
        residual[truth] -= 1
        return float(value), turned @ residual + penalty * weights

    weights = minimize(loss, np.zeros(len(shown)), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    scores = test_matrix[:, shown] @ weights
    right, start = 0, 0
    for item in test:
        right += int(np.argmax(scores[start : start + len(item.options)])) == item.truth
        start += len(item.options)
    return right


def _majority(train: Sequence[_Item], test: Sequence[_Item]) -> int:
    """Right answers of "what was most often true for exactly these words", else of the most frequent place."""
    known: dict[tuple[str, tuple[str, ...]], Counter[int]] = defaultdict(Counter)
    places: Counter[int] = Counter()
    for item in train:
        known[item.question, item.options][item.truth] += 1
        places[item.truth] += 1
    right = 0
    for item in test:
        votes = known.get((item.question, item.options), places)
        right += max(range(len(item.options)), key=lambda place: (votes[place], -place)) == item.truth
    return right
