"""Samples whose media cannot be read and replies that a reward cannot judge: named, left out, counted, never replaced.

Both are lists in the run folder. Every process has the same lists, and a resumed run reads them back, so that which
samples are left out depends on the files alone.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from wherewise.answers.styles import PromptConfig
from wherewise.media.errors import MediaError
from wherewise.rewards import Completion, GroupReward, ReplyGroup, Rewards, Score
from wherewise.rewards.base import Reward
from wherewise.samples import Sample
from wherewise.samples.errors import InputError, RunStopped
from wherewise.training.parallel.world import SINGLE, World
from wherewise.training.run_folder import RunFolder

T = TypeVar("T")


class TooMany(RunStopped):
    """More samples or replies had to be left out than the config allows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """A sample whose media could not be read.

    Attributes:
        sample: Its id.
        reason: The error, with file and fix.
    """

    sample: str
    reason: str


@dataclass(kw_only=True, slots=True)
class Quarantine:
    """Samples that the run leaves out because their media cannot be read.

    Attributes:
        folder: Where ``quarantine.jsonl`` is; None keeps no file.
        total: Samples of the run.
        limit: Largest share of them that may be left out.
        world: The processes.
        ids: Ids of the samples that are left out.
    """

    folder: RunFolder | None = None
    total: int = 1
    limit: float = 1.0
    world: World = SINGLE
    ids: dict[str, str] = field(default_factory=dict)

    def load(self) -> None:
        """Read back what was left out before a resumed run's checkpoint."""
        if self.folder is not None:
            self.ids = {r["sample_id"]: r["reason"] for r in self.folder.records("quarantine.jsonl")}

    def read(self, sample: Sample, work: Callable[[], T]) -> T | Unreadable:
        """What `work` reads of a sample, or why it cannot be read."""
        if sample.id in self.ids:
            return Unreadable(sample=sample.id, reason=self.ids[sample.id])
        try:
            return work()
        except MediaError as error:  # written down by `take_in`, and the run ends beyond a share
            return Unreadable(sample=sample.id, reason=str(error))

    def take_in(self, step: int, found: Sequence[Unreadable]) -> int:
        """Leave these samples out from now on; every process gives the same list.

        Returns:
            How many of this step's samples are left out.

        Raises:
            TooMany: More samples are left out than the config allows.
        """
        for one in found:
            if one.sample in self.ids:
                continue
            self.ids[one.sample] = one.reason
            if self.folder is not None and self.world.first:
                self.folder.append("quarantine.jsonl", {"step": step, "sample_id": one.sample, "reason": one.reason})
        if len(self.ids) > self.limit * self.total:
            listed = "".join(f"\n  {reason}" for reason in list(self.ids.values())[:20])
            raise TooMany(
                f"{len(self.ids)} of {self.total} samples could not be read during the run, more than "
                f"max_quarantined ({self.limit:g}) allows:{listed}\nMend the files and start the same command again"
            )
        return len(found)


@dataclass(kw_only=True, slots=True)
class RewardFaults:
    """Replies on which a reward of the run raised an error: it counts as `None`, not judged.

    Attributes:
        folder: Where ``reward_errors.jsonl`` is; None keeps no file.
        limit: Most such replies.
        world: The processes.
        count: Replies so far.
    """

    folder: RunFolder | None = None
    limit: int = 0
    world: World = SINGLE
    count: int = 0
    _new: list[dict[str, Any]] = field(default_factory=list)

    def load(self) -> None:
        """Read back how many there were before a resumed run's checkpoint."""
        if self.folder is not None:
            self.count = sum(1 for _ in self.folder.records("reward_errors.jsonl"))

    def add(self, reward: str, sample: Sample, error: Exception) -> Score:
        """Note an error; returns the score of the reply."""
        text = "".join(traceback.format_exception(error)[-3:])
        self._new.append({"sample_id": sample.id, "reward": reward, "error": text})
        return Score(value=None, note=f"raised {type(error).__name__}: {error}")

    def settle(self, step: int) -> None:
        """Write down what was noted since; every process comes here equally often.

        Raises:
            TooMany: There are more than `limit`.
        """
        found = [record for records in self.world.gather(self._new) for record in records]
        self._new = []
        self.count += len(found)
        if self.folder is not None and self.world.first:
            for record in found:
                self.folder.append("reward_errors.jsonl", {"step": step, **record})
        if found and self.count > self.limit:
            last = found[-1]
            raise TooMany(
                f"rewards raised an error on {self.count} replies, more than max_reward_errors ({self.limit}) allows; "
                f"the last: reward {last['reward']!r} on sample {last['sample_id']!r}:\n{last['error']}"
            )

    def guard(self, rewards: Rewards) -> Rewards:
        """The same rewards, whose errors are noted here instead of ending the run."""
        functions = [
            GuardedGroup(name=c.name, inner=f, faults=self)
            if isinstance(f, GroupReward)
            else Guarded(name=c.name, inner=f, faults=self)
            for c, f in zip(rewards.configs, rewards.functions, strict=True)
        ]
        return replace(rewards, functions=tuple(functions))


def checked(name: str, score: Any) -> Score:
    """What a reward returned, if it is a score; `None` is one without a value.

    Raises:
        InputError: It is something else.
    """
    if score is None:
        return Score(value=None, note="returned None")
    if not isinstance(score, Score):
        raise InputError(
            f"reward {name!r} returned {type(score).__name__}: return wherewise.rewards.Score(value=...), or None "
            "where it cannot judge"
        )
    return score


@dataclass(frozen=True, kw_only=True, slots=True)
class Guarded:
    """A reward whose errors are noted.

    Attributes:
        name: Its name in the config.
        inner: The reward.
        faults: Where errors are noted.
    """

    name: str
    inner: Reward
    faults: RewardFaults

    def __call__(self, completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        """The reward's score; without a value if it raised."""
        try:
            score = self.inner(completion, sample, prompt)
        except (InputError, RunStopped):
            raise
        except Exception as error:  # anything may happen in a user's function: noted, and counted against a budget
            return self.faults.add(self.name, sample, error)
        return checked(self.name, score)


@dataclass(frozen=True, kw_only=True, slots=True)
class GuardedGroup:
    """A group reward whose errors are noted; see `Guarded`."""

    name: str
    inner: GroupReward
    faults: RewardFaults

    @property
    def shuffled_share(self) -> float:
        """That of the reward."""
        return self.inner.shuffled_share

    def score_group(self, group: ReplyGroup) -> tuple[Score, ...]:
        """The reward's scores; without values if it raised."""
        try:
            scores = self.inner.score_group(group)
        except (InputError, RunStopped):
            raise
        except Exception as error:  # as in `Guarded`
            return (self.faults.add(self.name, group.sample, error),) * len(group.completions)
        return tuple(checked(self.name, score) for score in scores)

    def __call__(self, completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        """The score of a group of one."""
        return self.score_group(ReplyGroup(completions=(completion,), sample=sample, prompt=prompt))[0]


def readable(found: Sequence[T | Unreadable]) -> tuple[list[T], list[Unreadable]]:
    """What could be read, and what could not."""
    return (
        [one for one in found if not isinstance(one, Unreadable)],
        [one for one in found if isinstance(one, Unreadable)],
    )
