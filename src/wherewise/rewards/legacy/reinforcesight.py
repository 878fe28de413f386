"""ReinforceSight's reward (``jdchawla29/reinforcesight``, ``src/grpo/reward.py``)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wherewise.rewards.base import Completion
from wherewise.rewards.legacy.entry import LegacyReward, Params, Row
from wherewise.rewards.legacy.from_samples import plain_answer
from wherewise.rewards.score import Score
from wherewise.samples import Sample

_OPENING = re.compile(r"Therefore,|Thus,|In conclusion,|So,", re.IGNORECASE)
_NAMING = re.compile(r"(?:answer|object) is:?", re.IGNORECASE)
_STATING = (
    re.compile(r"The (?:answer|object) is:?(.*)", re.IGNORECASE),
    re.compile(r"My (?:answer|response) is:?(.*)", re.IGNORECASE),
)

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "left": ("to the left of", "on the left side of", "leftward of"),
    "right": ("to the right of", "on the right side of", "rightward of"),
    "above": ("over", "on top of", "higher than", "up from"),
    "below": ("under", "beneath", "lower than", "down from"),
    "in front of": ("before", "ahead of", "closer to camera", "nearer to viewer"),
    "behind": ("after", "in back of", "farther from camera", "further from viewer"),
    "closer": ("nearer", "more proximate", "less distant"),
    "farther": ("further", "more distant", "less proximate"),
}
"""For each relation what counts as saying it, anywhere in the answer."""

MENTIONS: Mapping[str, tuple[str, ...]] = {
    **SYNONYMS,
    "left": ("to the left of", "on the left side", "leftward"),
    "right": ("to the right of", "on the right side", "rightward"),
}
"""For each relation what counts as mentioning it in the reasoning."""

KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "2d_spatial": tuple(
        ["position", "located", "left", "right", "above", "below", "compare", "comparing", "side", "higher", "lower"]
    ),
    "3d_depth": tuple(
        ["depth", "distance", "camera", "closer", "farther", "front", "behind", "occlusion", "perspective", "viewer"]
    ),
    "3d_distance": (*["distance", "relative", "closer", "farther", "proximity", "nearer", "reference"], "compared to"),
}
"""For each task the words that its reasoning is expected to hold."""

MARKERS = (
    *["therefore", "thus", "because", "since", "conclude"],
    "as a result",
    "this means",
    "which indicates",
    "this shows",
)
"""Any one of these makes a text reasoning."""

LOOKS = (*["see", "observe", "appear", "visual", "image", "notice", "visible", "position", "located"], "looking at")
"""Any one of these makes a text refer to the picture."""

CONCLUSIONS = ("therefore", "thus", "so", "hence", "conclude", "answer")
"""Behind the first of any of these the answer is looked for."""

TASKS = {
    "left_right": "2d_spatial",
    "above_below": "2d_spatial",
    "front_behind": "3d_depth",
    "camera_distance": "3d_depth",
    "reference_distance": "3d_distance",
}
"""Our question families as the seed's tasks; any other has no keywords."""


class SightRow(Row):
    """A line of ``legacy.reinforcesight``."""

    completion: str
    """The reply; all of it counts as reasoning."""
    ground_truth: str
    """The true relation: ``left``, ``in front of``, ..."""
    task: str = ""
    """``2d_spatial``, ``3d_depth`` or ``3d_distance``; any other text has no keywords, as in the seed."""


def _concluded(text: str) -> str | None:
    """The rest of the first line with a conclusion, behind its last "answer is" or "object is"."""
    for line in text.split("\n"):
        opening = _OPENING.search(line)
        named = list(_NAMING.finditer(line, opening.end())) if opening else []
        if named:
            return line[named[-1].end() :]
    return None


def sight_answer(text: str) -> str:
    """What stands on the line behind a conclusion, "the answer is", "my answer is"; else behind the last full stop.

    Lower case, without one closing mark.
    """
    found = _concluded(text)
    for pattern in _STATING:
        if found is None:
            match = pattern.search(text)
            found = match[1] if match else None
    if found is None:
        return text.split(".")[-1].strip().lower()
    return re.sub(r"[.!,;:]$", "", found.strip().lower()).strip()


def sight_correct(given: str, truth: str) -> bool:
    """True if both are equal, or if the answer holds one of the true relation's synonyms anywhere."""
    return given == truth or any(synonym in given for synonym in SYNONYMS.get(truth, ()))


def sight_quality(text: str, task: str) -> float:
    """.4 for half of the task's keywords, .3 for a reasoning marker, .2 for a look, .1 for 20 to 150 words."""
    low, keywords = text.lower(), KEYWORDS.get(task, ())
    hits = sum(word in low for word in keywords)
    quality = min(hits / max(len(keywords) * 0.5, 1), 1.0) * 0.4
    quality += 0.3 * any(marker in low for marker in MARKERS)
    quality += 0.2 * any(look in low for look in LOOKS)
    return min(quality + 0.1 * (20 <= len(text.split()) <= 150), 1.0)


def sight_consistency(given: str, text: str) -> float:
    """1 if the text holds the answer, .8 if it mentions a relation of the answer, .9 behind a conclusion, else 0.

    The answer is cut from the text itself, so that only the trimmed punctuation can make this anything but 1.
    """
    low = text.lower()
    if given in low:
        return 1.0
    if any(name in given and any(word in low for word in said) for name, said in MENTIONS.items()):
        return 0.8
    return 0.9 if any(word in low and given in low[low.find(word) :] for word in CONCLUSIONS) else 0.0


def reinforcesight(row: SightRow, params: Params) -> Score:
    """``A + .3 Q + .2 C``: 1 for a right answer and -.5 for a wrong one, keywords, and consistency.

    A by `sight_correct` of `sight_answer`, Q is `sight_quality`, C `sight_consistency`.

    Source: ``src/grpo/reward.py``. What is wrong with it: "left of" isn't ``left`` and is wrong, while any text that
    holds "over", "after" or "under" is right for ``above``, ``behind``, ``below``; without one of the phrases the
    answer is what follows the last full stop, that is, usually nothing; keywords are paid without regard to what they
    say; consistency compares the reply with itself and is 1 almost always, for an empty answer too.

    Parts: ``correct``, ``quality``, ``consistency``.
    """
    given, truth = sight_answer(row.completion), row.ground_truth.strip().lower()
    right = sight_correct(given, truth)
    quality, consistency = sight_quality(row.completion, row.task), sight_consistency(given, row.completion)
    value = (1.0 if right else -0.5) + 0.3 * quality + 0.2 * consistency
    parts = {"correct": float(right), "quality": quality, "consistency": consistency}
    return Score(value=value, parts=parts, note=f"answer read: {given!r}")


def _row_of(completion: Completion, sample: Sample) -> SightRow:
    truth = plain_answer(sample)
    return SightRow(completion=completion.text, ground_truth=truth, task=TASKS.get(sample.task, ""))


def _write(sample: Sample, think: str) -> str:
    return f"{think}\n\nTherefore, the answer is: {plain_answer(sample)}"


REWARDS = (
    LegacyReward(
        name="legacy.reinforcesight",
        source="jdchawla29/reinforcesight: src/grpo/reward.py",
        summary="ReinforceSight: +1 or -.5 for the answer, .3 keywords, .2 consistency",
        row=SightRow,
        params=Params,
        score=reinforcesight,
        row_of=_row_of,
        write=_write,
    ),
)
"""What this module adds to the legacy rewards."""
