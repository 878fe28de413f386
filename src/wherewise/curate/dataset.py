"""From annotated pictures to a dataset of written questions: write, check, choose, and say what was refused."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wherewise.curate.card import CARD, without_folders, write_card
from wherewise.curate.checking import Check, Checker, check
from wherewise.curate.config import ModelConfig, WriteConfig
from wherewise.curate.journal import Journal
from wherewise.curate.pictures import Pictures
from wherewise.curate.review import Candidate, Reason, Refused
from wherewise.curate.selecting import apportion, by_rating, most_of, ordered_options, quotas
from wherewise.curate.survey import survey
from wherewise.curate.tasks import CHECK_RULES, Category
from wherewise.curate.writing import Draft, tokens, write
from wherewise.judge.config import PriceConfig
from wherewise.judge.judge import Judge
from wherewise.samples.answer import LETTERS, Choice
from wherewise.samples.errors import RunStopped
from wherewise.samples.manifest import Manifest
from wherewise.samples.sample import Sample
from wherewise.samples.store import write_dataset
from wherewise.scenes.annotated import Annotated

REPLIES = "replies"
"""Folder of the journals inside the dataset's folder."""

REFUSED = "refused.jsonl"
"""Every reply that is not used, with its reason."""

_CHANGED = "choose another out for other settings, or remove the file to ask (and pay) again"


@dataclass(kw_only=True, slots=True)
class Result:
    """What came out.

    Attributes:
        manifest: The dataset's.
        pictures: Pictures that were asked about.
        candidates: Questions that passed the review.
        corrected: Of these, how many had their count put right.
        refused: Refused replies by reason.
        wanted: Rows wanted, by split and category.
        taken: Rows taken, by split and category.
        short: For each split the categories that had too few, with what they had and needed.
        tokens: Tokens sent and received, by ``writer`` and ``checker``, for all kept replies.
        requests: Requests of this run, retries included.
        cost: Cost of all kept replies, where prices are given.
    """

    manifest: Manifest
    pictures: int
    candidates: int
    corrected: int
    refused: Mapping[str, int]
    wanted: Mapping[str, Mapping[Category, int]]
    taken: Mapping[str, Mapping[Category, int]]
    short: Mapping[str, Mapping[Category, tuple[int, int]]]
    tokens: Mapping[str, tuple[int, int]]
    requests: int
    cost: float | None


@dataclass(kw_only=True, slots=True)
class _Chosen:
    """The questions that are taken.

    Attributes:
        by_scene: They, by scene.
        wanted: See `Result`.
        taken: See `Result`.
        short: See `Result`.
        refused: Good questions that are too many, and those that the check refused.
    """

    by_scene: dict[str, list[Candidate]] = field(default_factory=dict)
    wanted: dict[str, dict[Category, int]] = field(default_factory=dict)
    taken: dict[str, dict[Category, int]] = field(default_factory=dict)
    short: dict[str, dict[Category, tuple[int, int]]] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)


def write_questions(
    config: WriteConfig,
    *,
    overwrite: bool = False,
    limit: int | None = None,
    on_written: Callable[[int], None] = lambda _: None,
    on_checked: Callable[[int], None] = lambda _: None,
) -> Result:
    """Write the dataset. A run that was cut off goes on where it was; the same replies give the same bytes.

    Args:
        config: What is written from what, by which models.
        overwrite: Replace a dataset that stands in the folder; its replies are used again.
        limit: Most pictures.
        on_written: Called with the number of pictures that were asked about.
        on_checked: Called with the number of questions that were checked.

    Raises:
        RunStopped: A server is down, or `config.max_cost` is reached; the same command goes on.
        DatasetError: Nothing came out, or a file is wrong.
        InputError: The folder's replies belong to other settings.
    """
    pictures = Pictures(config, limit)
    with ExitStack() as stack:
        written = stack.enter_context(
            Journal(
                config.out / REPLIES / "written.jsonl",
                fingerprint=config.writer_fingerprint(),
                changed=_CHANGED,
            )
        )
        judge = stack.enter_context(Judge(config.writer))

        def spent(number: int) -> None:
            _stop_at(config, {"writer": written})
            on_written(number)

        draft = write(config, pictures, written, judge, on_round=spent)
        tally = Counter(pictures.tally)
        requests = judge.counts().requests
        checks: dict[str, Check] | None = None
        journals = {"writer": written}
        if config.checker is not None:
            answered = stack.enter_context(
                Journal(
                    config.out / REPLIES / "checked.jsonl",
                    fingerprint=_fingerprint(config.checker),
                    changed=_CHANGED,
                )
            )
            journals["checker"] = answered
            checker = stack.enter_context(Checker(config.checker))

            def checked(number: int) -> None:
                _stop_at(config, journals)
                on_checked(number)

            checks = _check_as_needed(config, draft, pictures, answered, checker, checked)
            requests += checker.requests()
        chosen = _choose(config, draft, checks)
        refused = [*draft.refused, *chosen.refused]
        reasons = Counter(str(each.reason) for each in refused)
        tally.update({f"questions.{reason}": count for reason, count in reasons.items()})
        told = {name: tokens(journal.records().values()) for name, journal in journals.items()}
        generator: dict[str, Any] = {
            "name": "write",
            "config": _public(config),
            "corrected_counts": draft.corrected,
            "tokens": {name: list(each) for name, each in told.items()},
        }

        def finished() -> Iterator[Sample]:
            yield from _samples(config, pictures, chosen, checks)
            generator["files"] = {REFUSED: write_refused(config.out / REFUSED, refused)}

        manifest = write_dataset(
            finished(),
            config.out,
            generator=generator,
            rejections=dict(sorted(tally.items())),
            shard_rows=config.shard_rows,
            overwrite=overwrite,
        )
        found = survey(config.out)
        if "unknown" not in found.licenses and (overwrite or not (config.out / CARD).exists()):
            write_card(config.out, found, overwrite=overwrite)
        return Result(
            manifest=manifest,
            pictures=draft.pictures,
            candidates=len(draft.candidates),
            corrected=draft.corrected,
            refused=dict(reasons.most_common()),
            wanted=chosen.wanted,
            taken=chosen.taken,
            short=chosen.short,
            tokens=told,
            requests=requests,
            cost=_cost(config, journals),
        )


def write_refused(path: Path, refused: list[Refused]) -> str:
    """Write the refused replies, one JSON record a line; returns the file's sha256."""
    lines = [
        json.dumps({"id": r.id, "reason": str(r.reason), "detail": r.detail, "reply": r.reply}, ensure_ascii=False)
        for r in refused
    ]
    data = "".join(line + "\n" for line in lines).encode("utf-8", "replace")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".tmp")
    draft.write_bytes(data)
    os.replace(draft, path)
    return hashlib.sha256(data).hexdigest()


def _requests_wanted(config: WriteConfig) -> Mapping[str, int | None]:
    """Rows wanted of each split."""
    if config.rows is None:
        return dict.fromkeys(config.splits)
    return apportion(config.rows, config.splits)


def _split_candidates(draft: Draft, split: str) -> list[Candidate]:
    return [candidate for candidate in draft.candidates if draft.splits[candidate.id] == split]


def _check_as_needed(
    config: WriteConfig,
    draft: Draft,
    pictures: Pictures,
    journal: Journal,
    checker: Checker,
    on_round: Callable[[int], None],
) -> dict[str, Check]:
    """Check the best rated of each category until enough of them pass; all where nobody says what is enough."""
    if config.rows is None or config.shortage == "fill":
        return check(config, draft.candidates, pictures, journal, checker, on_round=on_round)
    checks: dict[str, Check] = {}
    spare = 1  # each wave reads the annotations once more: later ones take twice what is missing, to be few
    while True:
        needed: list[Candidate] = []
        for split, rows in _requests_wanted(config).items():
            ranked = by_rating(_split_candidates(draft, split), config.seed)
            for category, wanted in most_of(rows or 0, config.shares).items():
                queue = ranked.get(category, [])
                passed = sum(1 for each in queue if each.id in checks and checks[each.id].right)
                unseen = [each for each in queue if each.id not in checks]
                needed += unseen[: spare * max(0, wanted - passed)]
        if not needed:
            return checks
        spare = 2
        checks |= check(config, needed, pictures, journal, checker, on_round=on_round)


def _choose(config: WriteConfig, draft: Draft, checks: Mapping[str, Check] | None) -> _Chosen:
    """Take so many of each category, the best rated first; say of all others why not."""
    chosen = _Chosen()
    picked: list[Candidate] = []
    for split, rows in _requests_wanted(config).items():
        good: list[Candidate] = []
        for candidate in _split_candidates(draft, split):
            refusal = None
            if checks is not None and candidate.id in checks:
                refusal = checks[candidate.id].refusal(candidate)
            if refusal is not None:
                chosen.refused.append(refusal)
            elif checks is None or candidate.id in checks:
                good.append(candidate)
            else:
                chosen.refused.append(_surplus(candidate))
        ranked = by_rating(good, config.seed)
        supply = {category: len(each) for category, each in ranked.items()}
        take = quotas(rows, config.shares, supply, config.shortage)
        wanted = apportion(sum(supply.values()) if rows is None else rows, config.shares)
        if sum(take.values()) == rows and config.shortage == "shrink":
            wanted = take  # as wanted, rounded so that there are enough
        chosen.wanted[split], chosen.taken[split] = wanted, take
        chosen.short[split] = {
            category: (supply.get(category, 0), count)
            for category, count in wanted.items()
            if supply.get(category, 0) < count
        }
        for category, each in ranked.items():
            picked += each[: take[category]]
            chosen.refused += [_surplus(candidate) for candidate in each[take[category] :]]
    for candidate in picked:
        chosen.by_scene.setdefault(candidate.scene, []).append(candidate)
    return chosen


def _surplus(candidate: Candidate) -> Refused:
    reply = {
        "question": candidate.question,
        "options": list(candidate.options),
        "answer": LETTERS[candidate.marked],
        "category": str(candidate.category),
        "level": candidate.level,
        "rating": candidate.rating,
    }
    return Refused(
        id=candidate.id, reason=Reason.SURPLUS, detail=f"there are enough of {candidate.category}", reply=reply
    )


def _samples(
    config: WriteConfig, pictures: Pictures, chosen: _Chosen, checks: Mapping[str, Check] | None
) -> Iterator[Sample]:
    """The samples in the order of the pictures."""
    everything = [candidate for each in chosen.by_scene.values() for candidate in each]
    placed = ordered_options(everything, config.seed)
    for split, item in pictures:
        for candidate in sorted(chosen.by_scene.get(item.scene.id, ()), key=lambda candidate: candidate.id):
            fared = None if checks is None else checks[candidate.id]
            yield _sample(config, pictures, split, item, candidate, *placed[candidate.id], fared)


def _sample(
    config: WriteConfig,
    pictures: Pictures,
    split: str,
    item: Annotated,
    candidate: Candidate,
    options: tuple[str, ...],
    place: int,
    fared: Check | None,
) -> Sample:
    facts: dict[str, Any] = {"level": candidate.level, "rating": candidate.rating, "place": item.place}
    facts["writer"] = config.writer.model
    if candidate.corrected is not None:
        facts["corrected"] = candidate.corrected
    if fared is not None and config.checker is not None:
        difficulty = "easy" if fared.rate >= config.easy_from else "hard"
        facts["checker"] = {"model": config.checker.model, "right": fared.right, "tries": fared.tries}
        facts["difficulty"] = difficulty
        if config.by_difficulty:
            split = f"{split}_{difficulty}"
    return Sample(
        id=candidate.id,
        media=pictures.embedded(item) if config.embed else item.media,
        question=candidate.question,
        options=options,
        answer=Choice(letter=LETTERS[place], text=options[place]),
        task=str(candidate.category),
        evidence=candidate.evidence,
        group=item.scene.id,
        split=split,
        source=item.scene.source,
        license=item.license,
        facts=facts,
    )


def _fingerprint(checker: ModelConfig) -> str:
    text = json.dumps({"rules": CHECK_RULES, "checker": checker.identity()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _public(config: WriteConfig) -> dict[str, Any]:
    """The config as the manifest has it: without where the servers are, how patiently they were called, and `out`."""
    plain: dict[str, Any] = without_folders(config.model_dump(mode="json", exclude={"out", "writer", "checker"}))
    plain["writer"] = config.writer.identity()
    plain["checker"] = None if config.checker is None else config.checker.identity()
    return plain


def _cost(config: WriteConfig, journals: Mapping[str, Journal]) -> float | None:
    """What the kept replies cost; None where no price is given."""
    prices: dict[str, PriceConfig | None] = {"writer": config.writer.price}
    prices["checker"] = None if config.checker is None else config.checker.price
    known = [(prices[name], tokens(journal.records().values())) for name, journal in journals.items()]
    if all(price is None for price, _ in known):
        return None
    return sum(price.cost(*each) for price, each in known if price is not None)


def _stop_at(config: WriteConfig, journals: Mapping[str, Journal]) -> None:
    """End the run when it has cost enough."""
    if config.max_cost is None:
        return
    cost = _cost(config, journals) or 0.0
    if cost >= config.max_cost:
        raise RunStopped(
            f"the replies have cost {cost:.2f}, max_cost is {config.max_cost:g}. They are kept. Fix: raise max_cost "
            "and give the same command again"
        )


__all__ = ["REFUSED", "REPLIES", "Result", "write_questions", "write_refused"]
