"""The seeds' bonuses and advantages over a group of replies: T-GRPO, the length bonus, MAPO.

They judge a reply by its group, so a row carries the group; they cannot be part of a mixture.
"""

from __future__ import annotations

import math
from statistics import fmean

from pydantic import Field

from wherewise.rewards.legacy.entry import LegacyReward, Params, Row
from wherewise.rewards.score import Score

_NUMBERS = "write a list of numbers, at least one"
_EPSILON = 2.0**-23


class ContrastRow(Row):
    """A line of ``legacy.spatial_r1_temporal``."""

    accuracy: float
    """This reply's accuracy."""
    group_accuracy: list[float] = Field(min_length=1, description=_NUMBERS)
    """Accuracies of all replies to the ordered frames, this one's among them."""
    shuffled_accuracy: list[float] = Field(min_length=1, description=_NUMBERS)
    """Accuracies of the replies to the shuffled frames (the seed draws half as many)."""


def temporal(row: ContrastRow, params: Params) -> Score:
    """``accuracy + .3`` if it is above .1 and the ordered group's mean is at least .8 of the shuffled group's.

    Source: T-GRPO of Video-R1 in ``SG_RLVR_trainer.py``. What is wrong with it: the bonus is paid where the order of
    the frames makes no difference, and even where shuffling helps a little; for wrong groups (0 and 0) the condition
    holds.

    Parts: ``accuracy``, ``bonus``.
    """
    ordered = fmean(row.group_accuracy) >= 0.8 * fmean(row.shuffled_accuracy)
    bonus = 0.3 if ordered and row.accuracy > 0.1 else 0.0
    return Score(value=row.accuracy + bonus, parts={"accuracy": row.accuracy, "bonus": bonus})


class LengthRow(Row):
    """A line of ``legacy.spatial_r1_length``."""

    accuracy: float
    """This reply's accuracy."""
    tokens: int = Field(ge=0, description="write a number of tokens")
    """This reply's length."""
    group_accuracy: list[float] = Field(min_length=1, description=_NUMBERS)
    """Accuracies of all replies of the group, this one's among them."""
    group_tokens: list[int] = Field(min_length=1, description=_NUMBERS)
    """Their lengths, in the same order."""


def length(row: LengthRow, params: Params) -> Score:
    """``accuracy + .2`` if it is above .1 and the reply has 320 to 512 tokens, as another reply of the group does.

    Source: ``SG_RLVR_trainer.py`` (``len_control``). What is wrong with it: padding a right answer to 320 tokens is
    paid; a lone good reply isn't.

    Parts: ``accuracy``, ``bonus``.
    """
    replies = zip(row.group_accuracy, row.group_tokens, strict=False)
    good = sum(right > 0.1 and 320 <= tokens <= 512 for right, tokens in replies)
    bonus = 0.2 if good > 1 and row.accuracy > 0.1 and 320 <= row.tokens <= 512 else 0.0
    return Score(value=row.accuracy + bonus, parts={"accuracy": row.accuracy, "bonus": bonus})


class MapoRow(Row):
    """A line of ``legacy.video_r2_mapo``."""

    reward: float
    """This reply's reward."""
    group_rewards: list[float] = Field(min_length=1, description=_NUMBERS)
    """Rewards of all replies of the group, this one's among them."""
    group_accuracy: list[float] | None = Field(default=None, description=_NUMBERS + ", or null")
    """Their accuracies; null counts rewards at or above the mean as successes."""


def mapo(row: MapoRow, params: Params) -> Score:
    """``(1 - l) (r - m) / (s + e) + l (r - m) / (m + e)`` with ``l = 1 - 4 p (1 - p)``: MAPO's mixed advantage.

    m and s are the mean and the population deviation of the group's rewards, p the share of its replies with accuracy
    .5 or more, e float32's epsilon.

    Source: ``grpo_trainer.py`` (``loss_type`` mapo). What is wrong with it: for a mean at or below 0 the second term
    turns around or explodes, and rewards may be negative.

    Parts: ``mix`` (l), ``z``, ``relative``.
    """
    mean = fmean(row.group_rewards)
    spread = math.sqrt(fmean((reward - mean) ** 2 for reward in row.group_rewards))
    judged = row.group_accuracy
    wins = sum(r >= 0.5 for r in judged) if judged is not None else sum(r >= mean for r in row.group_rewards)
    share = wins / len(row.group_rewards)
    mix = min(1.0, max(0.0, 1.0 - 4.0 * share * (1.0 - share)))
    z, relative = (row.reward - mean) / (spread + _EPSILON), (row.reward - mean) / (mean + _EPSILON)
    return Score(value=(1 - mix) * z + mix * relative, parts={"mix": mix, "z": z, "relative": relative})


REWARDS = (
    LegacyReward(
        name="legacy.spatial_r1_temporal",
        source="OuyangKun10/SpaceR: SpaceR-SG-RLVR/src/r1-v/src/open_r1/trainer/SG_RLVR_trainer.py",
        summary="T-GRPO: +.3 where ordered frames do at least .8 as well as shuffled ones (group)",
        row=ContrastRow,
        params=Params,
        score=temporal,
    ),
    LegacyReward(
        name="legacy.spatial_r1_length",
        source="OuyangKun10/SpaceR: SpaceR-SG-RLVR/src/r1-v/src/open_r1/trainer/SG_RLVR_trainer.py",
        summary="SpaceR: +.2 for right answers of 320 to 512 tokens (group)",
        row=LengthRow,
        params=Params,
        score=length,
    ),
    LegacyReward(
        name="legacy.video_r2_mapo",
        source="mbzuai-oryx/Video-R2: train/src/trainer/grpo_trainer.py",
        summary="Video-R2: MAPO's mixed advantage (group)",
        row=MapoRow,
        params=Params,
        score=mapo,
    ),
)
"""What this module adds to the legacy rewards."""
