"""What a judge can be asked: the rules, the material, the form of the reply, and its reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from wherewise.judge.request import Block, Picture, Prompt, make_prompt
from wherewise.judge.verdict import Outcome, Verdict

I = TypeVar("I")  # noqa: E741
R = TypeVar("R", bound="ReplyForm")


class ReplyForm(BaseModel):
    """A reply's form; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What a valid reply says.

    Attributes:
        value: The task's number; None if the judge says that it cannot tell.
        note: Its reason.
    """

    value: float | None
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeTask(Generic[I, R]):
    """One thing to judge.

    Attributes:
        name: Name in configs, caches and tables.
        summary: One line.
        rules: What the judge is told to do, and the form of its reply.
        form: The reply's form.
        blocks: The item's texts, in the order in which the judge sees them.
        read: A valid reply's meaning.
        pictures: The item's pictures.
        settled: The value of an item that needs no judge (nothing to judge in it), else None.
    """

    name: str
    summary: str
    rules: str
    form: type[R]
    blocks: Callable[[I], tuple[Block, ...]]
    read: Callable[[R], Reading]
    pictures: Callable[[I], tuple[Picture, ...]] = lambda _: ()
    settled: Callable[[I], Reading | None] = lambda _: None

    def prompt(self, item: I, *, swapped: bool = False) -> Prompt:
        """What is sent.

        Args:
            item: What to judge.
            swapped: Texts in reverse order, and pictures behind them: a judge's verdict should not hang on it.
        """
        blocks = self.blocks(item)
        return make_prompt(self.rules, blocks[::-1] if swapped else blocks, self.pictures(item), last=swapped)

    def verdict(self, reply: R) -> Verdict:
        """A valid reply as a verdict."""
        reading = self.read(reply)
        outcome = Outcome.OK if reading.value is not None else Outcome.UNDECIDED
        note = " ".join("".join(letter if letter.isprintable() else " " for letter in reading.note).split())
        return Verdict(value=reading.value, note=note, outcome=outcome, reply=reply)
