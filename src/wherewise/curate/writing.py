"""Round after round of pictures: what the writer says of each, kept, reviewed and counted.

All requests of a round carry the same statistics, those of the rounds before it, and replies are reviewed in the order
of the pictures. So what is asked does not depend on which reply comes first, and a run that was killed goes on with the
same prompts as if it never had been.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wherewise.curate.asking import ask_all
from wherewise.curate.config import WriteConfig
from wherewise.curate.counts import Vocabulary
from wherewise.curate.graph import PictureGraph, picture_graph
from wherewise.curate.journal import Journal
from wherewise.curate.pictures import Pictures, batches
from wherewise.curate.review import Candidate, Reason, Refused, plain, review
from wherewise.curate.statistics import Statistics
from wherewise.curate.tasks import WRITE, WriteItem, Written
from wherewise.judge.judge import Judge
from wherewise.judge.verdict import Outcome, Verdict
from wherewise.samples.errors import InputError
from wherewise.scenes.annotated import Annotated


@dataclass(kw_only=True, slots=True)
class Draft:
    """What the writer gave.

    Attributes:
        candidates: Questions that may be used, in the order of the pictures.
        splits: The split of each candidate's picture, by the candidate's id.
        refused: Replies that are not used, in the same order; a reply that was mended after it was sent back is here,
            too, as it first came.
        pictures: Number of pictures that were asked about.
        corrected: Number of candidates whose count was put right.
    """

    candidates: list[Candidate] = field(default_factory=list)
    splits: dict[str, str] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    pictures: int = 0
    corrected: int = 0


def write(
    config: WriteConfig,
    pictures: Pictures,
    journal: Journal,
    judge: Judge,
    *,
    on_round: Callable[[int], None] = lambda _: None,
) -> Draft:
    """Ask for questions about all pictures, as far as they aren't in the journal.

    Args:
        config: What is asked.
        pictures: What about.
        journal: Replies until now; further ones are added.
        judge: The writer.
        on_round: Called after each round with the number of its pictures.

    Raises:
        RunStopped: The server is down; everything until now is kept.
        InputError: The journal has replies about other annotations.
    """
    draft = Draft()
    statistics = Statistics(config.shares, config.levels)
    asked: defaultdict[str, list[str]] = defaultdict(list)
    words_known = Vocabulary()
    for number in range(config.per_picture):
        for batch in batches(_counted(pictures, draft if number == 0 else None), config.round):
            graphs = [picture_graph(item.scene) for _, item in batch]
            for graph in graphs:
                words_known.learn(graph)
            items: dict[str, WriteItem] = {}
            digests: dict[str, str] = {}
            wanted = statistics.text()
            for (_, item), graph in zip(batch, graphs, strict=True):
                name = f"{graph.scene}-written-{number}"
                digests[name] = graph.digest()
                if name not in journal:
                    items[name] = _item(config, pictures, item, graph, wanted, asked[graph.scene])

            def keep(name: str, verdict: Verdict, digests: Mapping[str, str] = digests) -> None:
                journal.put(name, {"graph": digests[name], **kept(verdict)})

            ask_all(judge, WRITE, items, keep)
            for (split, _), graph, name in zip(batch, graphs, digests, strict=True):
                record = journal[name]
                if record["graph"] != digests[name]:
                    raise InputError(
                        f"scene {graph.scene!r}: its annotation has changed since the question about it was written. "
                        "Fix: choose another out, or bring the old annotations back"
                    )
                found = _reviewed(config, graph, name, record, words_known, asked[graph.scene], draft)
                if found is not None:
                    draft.candidates.append(found)
                    draft.splits[found.id] = split
                    draft.corrected += found.corrected is not None
                    asked[graph.scene].append(found.question)
                    statistics.add(found.category, found.level)
            on_round(len(batch))
    return draft


def kept(verdict: Verdict) -> dict[str, Any]:
    """What the journal keeps of a reply."""
    return {
        "outcome": str(verdict.outcome),
        "reply": None if verdict.reply is None else verdict.reply.model_dump(mode="json"),
        "misfits": [list(misfit) for misfit in verdict.misfits],
        "note": verdict.note,
        "prompt_tokens": verdict.prompt_tokens,
        "completion_tokens": verdict.completion_tokens,
    }


def _counted(pictures: Iterable[tuple[str, Annotated]], draft: Draft | None) -> Iterable[tuple[str, Annotated]]:
    for each in pictures:
        if draft is not None:
            draft.pictures += 1
        yield each


def _item(
    config: WriteConfig, pictures: Pictures, item: Annotated, graph: PictureGraph, wanted: str, asked: Sequence[str]
) -> WriteItem:
    return WriteItem(
        graph=graph.text(config.max_objects),
        wanted=wanted,
        asked=tuple(asked),
        picture=pictures.shown(item) if config.writer_sees == "picture" else None,
    )


def first_item(config: WriteConfig, pictures: Pictures, item: Annotated) -> WriteItem:
    """What is sent about a picture before anything is written, for an estimate."""
    graph = picture_graph(item.scene)
    return _item(config, pictures, item, graph, Statistics(config.shares, config.levels).text(), ())


def _reviewed(
    config: WriteConfig,
    graph: PictureGraph,
    name: str,
    record: Mapping[str, Any],
    words_known: Vocabulary,
    asked: Sequence[str],
    draft: Draft,
) -> Candidate | None:
    """The candidate that a kept reply gives; a refusal goes into the draft."""
    for text, problem in record["misfits"]:
        draft.refused.append(Refused(id=name, reason=Reason.UNPARSABLE, detail=problem, reply=text))
    if record["reply"] is None:
        if record["outcome"] != Outcome.UNPARSABLE:
            detail = f"{record['outcome']}: {record['note']}"
            draft.refused.append(Refused(id=name, reason=Reason.NO_REPLY, detail=detail, reply=None))
        return None
    found = review(
        Written.model_validate(record["reply"]),
        graph,
        name=name,
        words_known=words_known,
        asked={plain(question) for question in asked},
        shares=config.shares,
        min_share=config.min_share,
        complete_counts=config.counts == "complete",
        min_rating=config.min_rating,
    )
    if isinstance(found, Refused):
        draft.refused.append(found)
        return None
    return found


def tokens(records: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Tokens sent and received for kept replies."""
    sent = received = 0
    for record in records:
        sent += record["prompt_tokens"]
        received += record["completion_tokens"]
    return sent, received
