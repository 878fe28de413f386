"""What a run wrote of its completions (``rollouts/step-*.jsonl``), as the pages show it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from wherewise.answers.coordinates import CODECS, CoordinateCodec
from wherewise.reports.claims import claims_of_reply, truth_of
from wherewise.reports.page import data_uri

PICTURE = re.compile(r"media/([0-9A-Za-z][0-9A-Za-z_-]{0,99}\.(?:jpg|jpeg|png|webp))")
"""A picture's name in a rollout; anything else (an absolute path, ``..``) is not read."""


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """All rows of a JSON-lines file, NaN and infinite numbers as None; an absent file has none.

    Raises:
        ValueError: A line is not JSON; the message names file and line.
    """
    if not path.exists():
        return []
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):  # replies may hold U+2028
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line, parse_constant=lambda _: None))
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}:{number}: not JSON ({error.msg}); delete the torn line") from error
    return rows


def run_config(folder: Path) -> dict[str, Any]:
    """The settings of a run (``config.resolved.yaml``); empty where the file is absent.

    Raises:
        ValueError: The file is not a YAML mapping; the message names it.
    """
    path = folder / "config.resolved.yaml"
    if not path.exists():
        return {}
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not YAML ({error}); copy the file from a backup or delete it") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: not a mapping of settings; copy the file from a backup or delete it")
    return found


def codec_of(settings: Mapping[str, Any]) -> CoordinateCodec:
    """The codec that a run's or a protocol's ``prompt.coordinates`` names; ``tenths`` where it names none."""
    prompt = settings.get("prompt")
    name = prompt.get("coordinates", "tenths") if isinstance(prompt, dict) else "tenths"
    return CODECS.get(str(name), CODECS["tenths"])


def picture_file(rollouts: Path, name: str) -> Path | None:
    """The file of a picture inside a rollouts folder; None where there is none, or the name leads elsewhere."""
    match = PICTURE.fullmatch(name)
    path = rollouts / "media" / match[1] if match else None
    return path if path is not None and path.is_file() and not path.is_symlink() else None


def group_record(run: str, row: Mapping[str, Any], codec: CoordinateCodec) -> dict[str, Any]:
    """One group of completions as pages show it.

    Args:
        run: Name of the run.
        row: A line of ``rollouts/step-*.jsonl``.
        codec: How its completions write places.
    """
    evidence = row.get("evidence") or {}
    media = row.get("media") or []
    size = _size(evidence, media)
    seen = (int(row["seen"][0]), int(row["seen"][1])) if row.get("seen") else None
    return {
        "run": run,
        "step": row["step"],
        "id": row["sample_id"],
        "task": row["task"],
        "question": row["question"],
        "options": row.get("options") or [],
        "gold": row["gold"],
        "shots": [shot for position, medium in enumerate(media) for shot in _shots(position, medium)],
        "size": size,
        "truth": truth_of(evidence, row["gold"]),
        "completions": [_completion(each, codec, size, seen) for each in row["completions"]],
    } | ({"policy": row["policy"]} if row.get("policy") else {})


def _size(evidence: Mapping[str, Any], media: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Size of the picture that boxes refer to."""
    for record in (evidence, *media):
        if record.get("width") and record.get("height"):
            return int(record["width"]), int(record["height"])
    return None


def _shots(position: int, medium: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Pictures of one medium: a still, or a clip's frames with their times (of an older run only the first)."""
    size = {"size": [medium["width"], medium["height"]]} if medium.get("width") else {}
    if medium.get("frames"):
        for frame in medium["frames"]:
            yield {"file": frame["file"], "medium": position, "time": frame["time"], **size}
        return
    times = medium.get("times") or []
    yield {"file": medium["file"], "medium": position, **({"time": times[0]} if times else {}), **size}


def _completion(
    row: Mapping[str, Any],
    codec: CoordinateCodec,
    size: tuple[int, int] | None,
    seen: tuple[int, int] | None,
) -> dict[str, Any]:
    claim = claims_of_reply(row["text"], codec, size, seen)
    shown = {key: row.get(key) for key in ("text", "reward", "advantage")}
    shown["scores"] = row.get("scores") or {}
    for key in ("tokens", "note", "truncated"):
        if row.get(key):
            shown[key] = row[key]
    return shown | ({"claim": claim} if claim else {})


@dataclass(slots=True)
class Pictures:
    """Pictures of a page by name, each once, until a budget is spent.

    Attributes:
        budget: Megabytes of encoded pictures at most.
        blocks: Their ``data:`` addresses by the name of their block.
        left_out: Pictures for which there was no room.
        names: Name of the block of each file.
    """

    budget: float
    blocks: dict[str, str]
    left_out: int
    names: dict[str, str | None]
    _spent: int = 0

    @classmethod
    def of(cls, budget: float) -> Pictures:
        """An empty collection."""
        return cls(budget=budget, blocks={}, left_out=0, names={})

    def add(self, key: str, data: bytes) -> str | None:
        """Keep a picture under a key that names it; its block's name, or None where the budget is spent."""
        if key not in self.names:
            fits = self._spent + len(data) <= self.budget * 1_000_000
            self.names[key] = f"picture-{len(self.blocks)}" if fits else None
            if fits:
                self._spent += len(data)
                self.blocks[f"picture-{len(self.blocks)}"] = data_uri(data)
            else:
                self.left_out += 1
        return self.names[key]

    def resolve(self, rollouts: Path, shots: list[dict[str, Any]]) -> None:
        """Put the block of each shot's file into it as ``picture``; a shot without one has none."""
        for shot in shots:
            path = picture_file(rollouts, shot["file"])
            if path is None:
                continue
            key = str(path)
            name = self.names[key] if key in self.names else self.add(key, path.read_bytes())
            if name is not None:
                shot["picture"] = name


def rollout_rows(folder: Path) -> list[dict[str, Any]]:
    """All groups of a run in order of their steps, as written."""
    return [row for path in sorted((folder / "rollouts").glob("step-*.jsonl")) for row in read_jsonl(path)]
