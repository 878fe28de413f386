"""Completions with their scores, written down for people to read."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL.Image

from wherewise.answers.styles import PromptConfig, render_prompt
from wherewise.rewards import Score
from wherewise.samples import Sample, answer_text
from wherewise.samples.plain import to_plain
from wherewise.training.config import FramesConfig
from wherewise.training.data import Medium, load_media
from wherewise.training.run_folder import write_atomic

MAX_SIDE = 640
"""Longest side in pixels of a written picture."""

MAX_FRAMES = 8
"""Most frames of a clip that are written, spread evenly over those that the model saw."""


def reward_label(name: str) -> str:
    """What a reward is called in logs: a function from a file goes by its own name.

    >>> reward_label("accuracy"), reward_label("/somewhere/mine.py:smooth")
    ('accuracy', 'smooth')
    """
    return name.rpartition(":")[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One scored completion.

    Attributes:
        text: The reply.
        tokens: Its length.
        truncated: True if the token limit ended it.
        scores: Each reward's score.
        reward: The weighted total, or None if it could not be judged.
        advantage: Its advantage in its group, or None.
        seen: ``(width, height)`` in pixels of the first picture as the model saw it, if known; pages decode with it.
    """

    text: str
    tokens: int
    truncated: bool
    scores: dict[str, Score]
    reward: float | None
    advantage: float | None
    seen: tuple[int, int] | None = None

    def record(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "text": self.text,
            "tokens": self.tokens,
            "truncated": self.truncated,
            "scores": {reward_label(name): score.value for name, score in self.scores.items()},
            "parts": {reward_label(name): dict(score.parts) for name, score in self.scores.items() if score.parts},
            "note": "; ".join(
                f"{reward_label(name)}: {score.note}" for name, score in self.scores.items() if score.note
            ),
            "reward": self.reward,
            "advantage": self.advantage,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class RolloutWriter:
    """Writes ``rollouts/step-000012.jsonl``, one line a group; pictures once, under ``rollouts/media/``.

    Attributes:
        folder: The run's ``rollouts`` folder.
        prompt: How samples are put to the model.
        root: Folder of the samples' media paths.
        frames: Which frames of videos were seen.
    """

    folder: Path
    prompt: PromptConfig
    root: Path | None
    frames: FramesConfig

    def write(
        self,
        step: int,
        groups: Sequence[tuple[Sample, Sequence[Reply]]],
        version_of: Callable[[Sample], str | None] = lambda sample: None,
    ) -> Path:
        """Write some groups of one step (atomically) and return the file.

        Args:
            step: Optimiser step.
            groups: Samples and their replies.
            version_of: Name of the weights that drew a sample's replies, written as ``policy`` where there is one.
        """
        (self.folder / "media").mkdir(parents=True, exist_ok=True)
        records = [
            self._record(step, sample, replies) | ({} if (name := version_of(sample)) is None else {"policy": name})
            for sample, replies in groups
        ]
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
        path = self.folder / f"step-{step:06d}.jsonl"
        write_atomic(path, "".join(f"{line}\n" for line in lines))
        return path

    def _record(self, step: int, sample: Sample, replies: Sequence[Reply]) -> dict[str, Any]:
        return {
            "step": step,
            "sample_id": sample.id,
            "task": sample.task,
            "question": sample.question,
            "options": list(sample.options),
            "gold": answer_text(sample.answer),
            "prompt": render_prompt(sample, self.prompt),
            "media": [self._medium(medium) for medium in load_media(sample, self.root, self.frames)],
            "evidence": to_plain(sample.evidence, "evidence"),
            "completions": [reply.record() for reply in replies],
        } | ({"seen": list(replies[0].seen)} if replies and replies[0].seen else {})

    def _medium(self, medium: Medium) -> dict[str, Any]:
        picture = medium if isinstance(medium, PIL.Image.Image) else PIL.Image.fromarray(medium.array[0])
        record = {"file": self._picture(picture), "width": picture.width, "height": picture.height}
        if isinstance(medium, PIL.Image.Image):
            return {"type": "image", **record}
        times = [float(t) for t in medium.times]
        last = min(len(times), MAX_FRAMES) - 1
        shown = [round(i * (len(times) - 1) / max(1, last)) for i in range(last + 1)]
        frames = [{"file": self._picture(PIL.Image.fromarray(medium.array[i])), "time": times[i]} for i in shown]
        return {"type": "video", **record, "times": times, "frames": frames}

    def _picture(self, picture: PIL.Image.Image) -> str:
        small = picture.convert("RGB")
        small.thumbnail((MAX_SIDE, MAX_SIDE))
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=88)
        data = buffer.getvalue()
        name = f"media/{hashlib.sha256(data).hexdigest()[:16]}.jpg"
        path = self.folder / name
        if not path.exists():
            temporary = path.with_name(f".{path.name}.tmp")
            temporary.write_bytes(data)
            temporary.rename(path)
        return name
