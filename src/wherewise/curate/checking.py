"""A second model answers the questions: what it never gets right is refused, how often it does is the difficulty."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from wherewise.curate.asking import ask_all
from wherewise.curate.config import CheckerConfig, WriteConfig
from wherewise.curate.journal import Journal
from wherewise.curate.pictures import Pictures, batches
from wherewise.curate.review import Candidate, Reason, Refused
from wherewise.curate.tasks import CHECK, CheckItem
from wherewise.curate.writing import kept
from wherewise.judge.judge import Judge
from wherewise.judge.request import Picture
from wherewise.judge.verdict import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """How a question fared.

    Attributes:
        right: Tries that gave the marked answer.
        tries: Tries with a reply that could be used.
        answers: What each try said: an option's text, or None for "none of them" and for replies without form.
    """

    right: int
    tries: int
    answers: tuple[str | None, ...]

    @property
    def rate(self) -> float:
        """Share of right tries."""
        return self.right / self.tries if self.tries else 0.0

    def refusal(self, candidate: Candidate) -> Refused | None:
        """Why the question is not used; None if it may be."""
        if self.right:
            return None
        reason = Reason.NOT_CONFIRMED if self.tries else Reason.NOT_CHECKED
        reply: dict[str, Any] = {"question": candidate.question, "options": list(candidate.options)}
        reply |= {"marked": candidate.options[candidate.marked], "answers": list(self.answers)}
        return Refused(
            id=candidate.id, reason=reason, detail=f"{self.right} of {self.tries} tries gave the answer", reply=reply
        )


class Checker:
    """The checking model, with a seed of its own for each try.

    Args:
        config: The model.
    """

    def __init__(self, config: CheckerConfig) -> None:
        self._config = config
        self._judges: dict[int, Judge] = {}

    def __enter__(self) -> Checker:
        return self

    def __exit__(self, *_: object) -> None:
        for judge in self._judges.values():
            judge.close()

    def judge(self, number: int) -> Judge:
        """The model for the try of this number."""
        if number not in self._judges:
            seed = self._config.seed
            own = self._config.model_copy(update={"seed": None if seed is None else seed + number})
            self._judges[number] = Judge(own)
        return self._judges[number]

    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return sum(judge.counts().requests for judge in self._judges.values())


def check(
    config: WriteConfig,
    candidates: Iterable[Candidate],
    pictures: Pictures,
    journal: Journal,
    checker: Checker,
    *,
    on_round: Callable[[int], None] = lambda _: None,
) -> dict[str, Check]:
    """Have questions answered, as far as the answers aren't in the journal.

    Each question gets `config.tries` tries, its options in another order each time; one that no try got right gets
    `config.more_tries` more.

    Args:
        config: How often.
        candidates: The questions.
        pictures: What they are about; read once, in order.
        journal: Replies until now; further ones are added.
        checker: The model.
        on_round: Called after each round with the number of its questions.

    Returns:
        How each question fared, by id.

    Raises:
        RunStopped: The server is down; everything until now is kept.
    """
    waiting: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        waiting.setdefault(candidate.scene, []).append(candidate)
    checks: dict[str, Check] = {}
    if not waiting:
        return checks
    asked = islice(
        ((waiting[item.scene.id], item) for _, item in pictures if item.scene.id in waiting), len(waiting)
    )  # read no further than the last of them
    for batch in batches(asked, config.round):
        shown: dict[str, Picture] = {}
        round_ = [candidate for each, _ in batch for candidate in each]
        for number in range(config.tries + config.more_tries):
            if number == config.tries:
                round_ = [c for c in round_ if not _fared(c, journal, config.tries, config.seed).right]
            items: dict[str, CheckItem] = {}
            for _, item in batch:
                for candidate in round_:
                    key = _key(candidate, number, config.seed)
                    if candidate.scene == item.scene.id and key not in journal:
                        if candidate.scene not in shown:
                            shown[candidate.scene] = pictures.shown(item)
                        order = _order(candidate, number, config.seed)
                        options = tuple(candidate.options[place] for place in order)
                        picture = shown[candidate.scene]
                        items[key] = CheckItem(question=candidate.question, options=options, picture=picture)

            def keep(key: str, verdict: Verdict) -> None:
                journal.put(key, kept(verdict))

            ask_all(checker.judge(number), CHECK, items, keep)
        total = config.tries + config.more_tries
        for each, _ in batch:
            checks |= {candidate.id: _fared(candidate, journal, total, config.seed) for candidate in each}
        on_round(sum(len(each) for each, _ in batch))
    return checks


def _fared(candidate: Candidate, journal: Journal, tries: int, seed: int) -> Check:
    """What the journal says about the first `tries` tries, those that were never made left out."""
    answers: list[str | None] = []
    counted = right = 0
    for number in range(tries):
        key = _key(candidate, number, seed)
        if key not in journal:
            continue
        place = _place(journal[key], _order(candidate, number, seed))
        counted += journal[key]["reply"] is not None
        right += place == candidate.marked
        answers.append(None if place is None else candidate.options[place])
    return Check(right=right, tries=counted, answers=tuple(answers))


def _place(record: Mapping[str, Any], order: Sequence[int]) -> int | None:
    """Which of the candidate's options a kept reply names."""
    letter = "none" if record["reply"] is None else record["reply"]["answer"]
    shown = "ABCD".find(letter)
    return order[shown] if 0 <= shown < len(order) else None


def _order(candidate: Candidate, number: int, seed: int) -> tuple[int, ...]:
    """The order in which a try shows the options: turned one further each time, from a start by chance."""
    count = len(candidate.options)
    start = int(hashlib.sha256(f"check/{seed}/{candidate.id}".encode()).hexdigest()[:8], 16) + number
    return tuple((place + start) % count for place in range(count))


def _key(candidate: Candidate, number: int, seed: int) -> str:
    """A try of this question as it is worded now, its options shown in this order."""
    shown = [candidate.question, [candidate.options[place] for place in _order(candidate, number, seed)]]
    return f"{candidate.id}/{number}/{hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:8]}"
