"""A run folder as training writes it: metrics, groups of completions about a picture and a clip, markup as text."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import yaml
from PIL import Image as PILImage

EVIL = '<img src=x onerror="window.evil=1"></script><script>window.evil=2</script><!-- "quoted" & \u2028 \u00fc'
WIDTH, HEIGHT = 100, 80
PICTURES = ("0123456789abcdef", "00000000000000aa", "00000000000000bb", "00000000000000cc")
GRAPH = {
    "kind": "scene_graph",
    "width": WIDTH,
    "height": HEIGHT,
    "objects": [
        {"id": "o1", "label": "red chair", "box": [10, 10, 40, 60], "distance": 2.0},
        {"id": "o2", "label": "table", "box": [60, 30, 95, 75]},
    ],
    "relations": [{"subject": "o1", "predicate": "left_of", "object": "o2"}],
    "focus": ["o1", "o2"],
}
TIMES = {"kind": "timeline", "events": [{"label": "lamp", "start": 0.0, "end": 1.0}]}


def picture(name: str) -> bytes:
    """A JPEG whose colour follows its name."""
    out = io.BytesIO()
    shade = int(name[-2:], 16)
    PILImage.new("RGB", (WIDTH, HEIGHT), (shade, 128, 255 - shade)).save(out, "JPEG")
    return out.getvalue()


def completion(text: str, accuracy: float | None, advantage: float, **more: Any) -> dict[str, Any]:
    """A scored completion."""
    reward = None if accuracy is None else accuracy + 0.1
    scores = {"accuracy": accuracy, "format": 1.0}
    return {
        "text": text,
        "tokens": 9,
        "truncated": False,
        "scores": scores,
        "reward": reward,
        "advantage": advantage,
    } | more


def group(step: int, key: str, completions: list[dict[str, Any]], *, clip: bool = False) -> dict[str, Any]:
    """A group about a picture, or about a clip of three frames."""
    media: dict[str, Any] = {"type": "image", "file": f"media/{PICTURES[0]}.jpg", "width": WIDTH, "height": HEIGHT}
    if clip:
        frames = [{"file": f"media/{name}.jpg", "time": 0.5 * i} for i, name in enumerate(PICTURES[1:])]
        media |= {"type": "video", "file": frames[0]["file"], "times": [0.0, 0.5, 1.0], "frames": frames}
    return {
        "step": step,
        "sample_id": key,
        "task": "order" if clip else "left_right",
        "question": "What comes first?" if clip else "Is the red chair left or right of the table?",
        "options": ["left", "right"],
        "gold": "left",
        "media": [media],
        "evidence": TIMES if clip else GRAPH,
        "completions": completions,
    }


def groups_of(step: int, *, better: bool = False) -> list[dict[str, Any]]:
    """Four groups: one with a signal, one without, one about a clip, one full of markup."""
    right = "<scene>red chair (2,4,4); lamp (9,9)</scene><answer>left</answer>"
    wrong = "<scene>red chair (7,7)</scene><answer>right</answer>"
    lamp = "<timeline>00:00.5-00:01.5 lamp</timeline><answer>left</answer>"
    return [
        group(step, "mixed", [completion(right, 1.0, 0.7), completion(wrong, 0.0, -0.7, truncated=True)]),
        group(step, "silent", [completion(right if better else wrong, float(better), 0.0)] * 2),
        group(step, "clip", [completion(lamp, 0.0 if better else 1.0, 0.5), completion("?", 0.0, -0.5)], clip=True),
        group(step, "evil", [completion(EVIL, None, 0.0, note=EVIL), completion(EVIL, 0.0, 0.0)]),
    ]


def write_step(folder: Path, step: int, *, better: bool = False) -> None:
    """Append a step's metrics, and its rollouts."""
    row = {"step": step, "loss": 1 / step, "reward/total": 0.1 * step, "reward/accuracy": 0.5, "seconds": 0.5}
    row |= {"accuracy": 0.5, "no_signal": 0.25, "kl": None}
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    lines = [json.dumps(row, ensure_ascii=False) for row in groups_of(step, better=better)]
    (folder / "rollouts" / f"step-{step:06d}.jsonl").write_text("".join(f"{line}\n" for line in lines))


def write_run(folder: Path, steps: int = 2, *, better: bool = False) -> Path:
    """A run of some steps out of five."""
    (folder / "rollouts" / "media").mkdir(parents=True)
    for name in PICTURES:
        (folder / "rollouts" / "media" / f"{name}.jpg").write_bytes(picture(name))
    settings = {"rewards": [{"name": "accuracy"}], "prompt": {"coordinates": "tenths"}, "steps": 5}
    (folder / "config.resolved.yaml").write_text(yaml.safe_dump(settings))
    (folder / "env.json").write_text(json.dumps({"python": "3.11", "packages": {"torch": "2.13.0"}}))
    for step in range(1, steps + 1):
        write_step(folder, step, better=better)
    return folder
