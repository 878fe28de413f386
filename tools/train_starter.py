#!/usr/bin/env python3
"""Makes the shipped starter model, from nothing, on a CPU: one command, one seed.

    python tools/train_starter.py --work build/starter --out src/wherewise/models/starter

Stages:

1. vocabulary, frozen once made;
2. pictures of simulated rooms, rendered in processes of their own;
3. vision: every visual token learns to name what fills it;
4. language: captions and look-ups, then questions with the places written down, which need comparing, not looking; at
   last most of them without the picture;
5. weights in bfloat16.

It is never shown a question about a picture without the places: looking first, then comparing, is what SFT adds.
Everything is kept in ``--work``: a second call goes on after the last finished stage.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
import torch.distributed as dist
import torch.nn.functional as F

from starter.corpus import CATEGORIES, COLORS, make_tokenizer
from starter.language import (
    Layout,
    Turn,
    TurnEncoder,
    caption_turn,
    lookup_turn,
    reading_turn,
    reply_loss,
    text_logits,
    to_patches,
)
from starter.pictures import Picture, read_shard, render_shard, shard_paths
from starter.vision import TokenHeads, sincos_positions_, word_ids
from wherewise.models.load import fast_patch_embedding, save_model
from wherewise.models.tiny import build_tiny
from wherewise.questions.config import TASKS, QuestionsConfig
from wherewise.questions.generate import ask
from wherewise.questions.sampling import scene_graph, to_sample
from wherewise.samples import SceneGraph
from wherewise.scenes.simulate import SimulateConfig
from wherewise.training.optim import Muon

SIDE, PATCH, MERGE = 192, 16, 2
CELL = PATCH * MERGE
TOKENS = (SIDE // CELL) ** 2
SHARD = 500
STILL_TASKS = tuple(task for task in TASKS if task != "appearance_order")
READING_TASKS = ("existence", "counting", "camera_distance", "reference_distance", "size")
"""Families whose answers name objects or numbers; they take longest to learn."""
WRITTEN_TASKS = tuple(task for task in STILL_TASKS if task != "size")
"""Families that can be answered from written places alone."""


def pictures_config() -> SimulateConfig:
    """The rooms that the starter is raised on: a few salient objects, most of them in one clear colour."""
    return SimulateConfig.model_validate(json.loads((Path(__file__).parent / "starter" / "pictures.json").read_text()))


def _render(folder: Path, shards: range, seed: int) -> None:
    config = pictures_config()
    for shard in shards:
        render_shard(config, folder, shard, seed=seed, size=SHARD, categories=CATEGORIES, colors=COLORS, cell=CELL)


def stream(folder: Path, shards: int, rng: random.Random) -> Iterator[Picture]:
    """Pictures for ever: new shards as soon as they are rendered, else a random one that is there."""
    fresh = 0
    while True:
        if fresh < shards and all(p.exists() for p in shard_paths(folder, fresh)):
            shard, fresh = fresh, fresh + 1
        elif fresh == 0:
            time.sleep(2)
            continue
        else:
            shard = rng.randrange(fresh)
        pictures = read_shard(folder, shard)
        rng.shuffle(pictures)
        yield from pictures


def pixels(pictures: list[Picture]) -> torch.Tensor:
    """Patches of some pictures, mirrored never: left and right matter."""
    arrays = [np.asarray(PIL.Image.open(BytesIO(p.jpeg)).convert("RGB")) for p in pictures]
    return to_patches(arrays, PATCH, MERGE, 2)


def share_gradients(parameters: list[torch.nn.Parameter]) -> None:
    """Averages gradients over the processes; nothing to do for one."""
    if not dist.is_initialized():
        return
    flat = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    start = 0
    for p in parameters:
        if p.grad is not None:
            p.grad.copy_(flat[start : start + p.numel()].view_as(p))
            start += p.numel()


def chief() -> bool:
    """Whether this process prints and saves."""
    return not dist.is_initialized() or dist.get_rank() == 0


def rates(optimizer: torch.optim.Optimizer, base: list[float], done: float, step: int) -> None:
    """Warm-up over 40 steps, flat, then down to 3 % over the last 30 %."""
    factor = min(1.0, (step + 1) / 40) * (1.0 if done < 0.7 else max(0.03, (1 - done) / 0.3))
    for group, rate in zip(optimizer.param_groups, base, strict=True):
        group["lr"] = rate * factor


def split(model: torch.nn.Module) -> tuple[list[Any], list[Any]]:
    """Matrices for Muon, the rest (embeddings, positions, gains, biases) for Adam."""
    embedding = model.get_input_embeddings().weight  # type: ignore[operator]
    matrices, rest = [], []
    for name, parameter in model.named_parameters():
        matrix = parameter.ndim >= 2 and parameter is not embedding and "pos_embed" not in name
        (matrices if matrix else rest).append(parameter)
    return matrices, rest


def features_of(model: Any, patches: torch.Tensor, count: int) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
    """Merged vision features ``[pictures, tokens, d]``, DeepStack levels of the same shape, grid ``[pictures, 3]``."""
    side = SIDE // PATCH
    grid = torch.tensor([[1, side, side]] * count)
    out = model.model.visual(patches, grid_thw=grid)
    deep = [level.reshape(count, TOKENS, -1) for level in out.deepstack_features]
    return out.pooler_output.reshape(count, TOKENS, -1), deep, grid


def vision_stage(
    model: Any, heads: TokenHeads, pictures: Iterator[Picture], *, steps: int, batch: int, lr: float
) -> None:
    """Trains vision tower, merger and embeddings on the token targets."""
    vision = list(model.model.visual.named_parameters())
    matrices = [p for n, p in vision if p.ndim >= 2 and "pos_embed" not in n]
    rest = [p for n, p in vision if not (p.ndim >= 2 and "pos_embed" not in n)]
    rest += [model.get_input_embeddings().weight, heads.scale, *heads.maps.parameters(), *heads.object.parameters()]
    optimizer = Muon(matrices, rest, lr=lr, rest_lr=3e-3, weight_decay=0.01)
    base = [g["lr"] for g in optimizer.param_groups]
    started = time.time()
    for step in range(steps):
        rates(optimizer, base, step / steps, step)
        chosen = [next(pictures) for _ in range(batch)]
        features, _, _ = features_of(model, pixels(chosen), batch)
        targets = torch.from_numpy(np.stack([p.targets for p in chosen])).flatten(0, 1)
        loss, report = heads(features.flatten(0, 1), targets)
        loss.backward()
        share_gradients([*matrices, *rest])
        torch.nn.utils.clip_grad_norm_([*matrices, *rest], 5.0)
        optimizer.step()
        optimizer.zero_grad()
        if chief() and (step % 25 == 0 or step == steps - 1):
            words = " ".join(f"{k} {v:.2f}" for k, v in report.items())
            print(f"vision {step}/{steps} {time.time() - started:.0f}s loss {loss.item():.2f} {words}", flush=True)


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a part of the language stage is about.

    Attributes:
        steps: Optimiser steps.
        pictures: Pictures a step, over all processes.
        lr: Highest learning rate of the matrices.
        captions: Captions a picture.
        questions: Most questions a picture; look-ups fill up to `turns`.
        turns: Sequences a picture.
        families: Question families.
        unseen: Questions a step without the picture, its objects' places written down behind the question.
    """

    steps: int
    pictures: int
    lr: float
    captions: int
    questions: int
    turns: int
    families: tuple[str, ...]
    unseen: int = 0

    @property
    def asking(self) -> QuestionsConfig:
        """How the questions are made."""
        return QuestionsConfig(
            phrasings="one", families=self.families, per_scene=self.questions, attempts=1, balance=False
        )


def turns_of(picture: Picture, rng: random.Random, lesson: Lesson) -> list[Turn]:
    """Captions, questions with the places written down, and look-ups."""
    asking = lesson.asking
    graph = scene_graph(picture.scene, (), asking.margins)
    if not graph.objects:
        return [Turn(prompt="Describe the picture.", reply="<scene>none</scene>")] * lesson.turns
    turns = [caption_turn(graph, rng) for _ in range(lesson.captions)]
    asked, _ = ask(picture.scene, rng=rng, config=asking)
    samples = (to_sample(question, picture.scene, (), number=number) for number, question in enumerate(asked))
    layouts = LAYOUTS if lesson.unseen else (Layout.BEFORE,)
    turns += [reading_turn(sample, rng, rng.choice(layouts)) for sample in samples]
    strangers = absent(graph) if lesson.unseen else ()
    while len(turns) < lesson.turns:
        turns.append(lookup_turn(graph, rng, strangers))
    return turns[: lesson.turns]


def absent(graph: SceneGraph) -> list[str]:
    """Names of colour and category that no object of a scene bears, though one bears the colour or the category."""
    labels = {item.label for item in graph.objects}
    words = {word for label in labels for word in label.split()}
    names = [(color, category) for color in COLORS for category in CATEGORIES]
    near = [f"{color} {category}" for color, category in names if color in words or category in words]
    return [name for name in near if name not in labels]


LAYOUTS = (Layout.NAMED, Layout.NAMED, Layout.NAMED, Layout.AFTER)
"""Of the last lesson; most as in the replies that SFT will teach."""


def unseen_turns(scenes: Iterator[Picture], rng: random.Random, lesson: Lesson) -> tuple[list[str], list[Turn]]:
    """Tasks and turns of `lesson.unseen` questions to be answered from the written places alone."""
    asking = QuestionsConfig(phrasings="one", families=lesson.families, per_scene=6, attempts=2, balance=False)
    tasks: list[str] = []
    turns: list[Turn] = []
    while len(turns) < lesson.unseen:
        scene = next(scenes).scene
        for number, question in enumerate(ask(scene, rng=rng, config=asking)[0]):
            sample = to_sample(question, scene, (), number=number)
            layout = rng.choice(LAYOUTS)
            tasks.append(sample.task if layout is Layout.NAMED else "all")
            turns.append(reading_turn(sample, rng, layout))
    return tasks[: lesson.unseen], turns[: lesson.unseen]


class Tally:
    """Share of unseen questions answered right, by task, since it was last printed."""

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = {}

    def add(self, tasks: list[str], logits: torch.Tensor, labels: torch.Tensor, lengths: torch.Tensor) -> None:
        """Counts a batch: a reply is right when each of its tokens is the likeliest."""
        hits = (logits.argmax(-1) == labels).split(lengths.tolist())
        for task, hit in zip(tasks, hits, strict=True):
            right, asked = self.counts.setdefault(task, [0, 0])
            self.counts[task] = [right + int(hit.all()), asked + 1]

    def take(self) -> str:
        """The shares as text; starts anew."""
        text = " ".join(f"{task} {right / asked:.2f}" for task, (right, asked) in sorted(self.counts.items()))
        self.counts = {}
        return text


def language_stage(
    model: Any,
    heads: TokenHeads,
    encoder: TurnEncoder,
    pictures: Iterator[Picture],
    scenes: Iterator[Picture],
    lesson: Lesson,
    *,
    batch: int,
    dense: float,
    rng: random.Random,
) -> None:
    """Trains everything on the replies, with the token targets as a second, weaker teacher."""
    matrices, rest = split(model)
    rest += [p for name, p in heads.named_parameters() if name != "embedding"]
    trained = [*matrices, *rest]
    optimizer = Muon(matrices, rest, lr=lesson.lr, rest_lr=lesson.lr / 2, weight_decay=0.01)
    base = [g["lr"] for g in optimizer.param_groups]
    started, history, tally = time.time(), [], Tally()
    for step in range(lesson.steps):
        rates(optimizer, base, step / lesson.steps, step)
        chosen = [next(pictures) for _ in range(batch)]
        text = encoder.batch([t for p in chosen for t in turns_of(p, rng, lesson)])
        features, deep, grid = features_of(model, pixels(chosen), batch)
        loss = reply_loss(model, features, deep, grid, text, lesson.turns)
        history.append(loss.item())
        targets = torch.from_numpy(np.stack([p.targets for p in chosen])).flatten(0, 1)
        seen, report = heads(features.flatten(0, 1), targets)
        (loss + dense * seen).backward()
        if lesson.unseen:
            tasks, turns = unseen_turns(scenes, rng, lesson)
            text = encoder.batch(turns, picture=False)
            logits, labels = text_logits(model, text)
            F.cross_entropy(logits, labels).backward()
            tally.add(tasks, logits, labels, (text[2] != -100).sum(1))
        share_gradients(trained)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if chief() and (step % 25 == 0 or step == lesson.steps - 1):
            words = " ".join(f"{k} {v:.2f}" for k, v in report.items())
            print(
                f"language {step}/{lesson.steps} {time.time() - started:.0f}s "
                f"loss {np.mean(history[-25:]):.3f} {words} {tally.take()}",
                flush=True,
            )


def train(rank: int, args: argparse.Namespace) -> None:
    """One process of the training; the first one saves."""
    if args.processes > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(args.port))
        dist.init_process_group("gloo", rank=rank, world_size=args.processes)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer = make_tokenizer(args.out)
    model, processor = build_tiny(
        "qwen3_vl",
        tokenizer=tokenizer,
        seed=args.seed,
        hidden_size=args.width,
        layers=args.layers,
        vision_hidden_size=args.vision_width,
        vision_depth=args.layers,
        vision_heads=args.vision_width // 32,
        patch_size=PATCH,
        position_embeddings=(SIDE // PATCH) ** 2,
    )
    fast_patch_embedding(model)
    sincos_positions_(model.model.visual.pos_embed.weight)
    torch.nn.init.normal_(model.get_input_embeddings().weight, std=0.08)
    words = {
        "category": word_ids(tokenizer, CATEGORIES, space=True),
        "color": word_ids(tokenizer, COLORS, space=False),
        "digit": word_ids(tokenizer, [str(i) for i in range(10)], space=False),
    }
    heads = TokenHeads(args.width, model.get_input_embeddings().weight, words)
    rng = random.Random(args.seed * 1000 + rank)
    source = stream(args.work / "pictures", args.shards, rng)
    seen = args.work / "vision.pt"
    if seen.exists():
        state = torch.load(seen, weights_only=True)
        model.load_state_dict(state["model"])
        heads.load_state_dict(state["heads"])
    else:
        vision_stage(model, heads, source, steps=args.vision_steps, batch=args.batch // args.processes, lr=0.005)
        if chief():
            torch.save({"model": model.state_dict(), "heads": heads.state_dict()}, seen)
    lessons = (
        Lesson(
            steps=args.language_steps,
            pictures=args.batch,
            lr=0.004,
            captions=1,
            questions=1,
            turns=3,
            families=STILL_TASKS,
        ),
        Lesson(
            steps=args.reading_steps,
            pictures=args.batch,
            lr=0.003,
            captions=0,
            questions=3,
            turns=4,
            families=READING_TASKS,
        ),
        Lesson(
            steps=args.mixed_steps,
            pictures=args.batch,
            lr=0.003,
            captions=0,
            questions=3,
            turns=4,
            families=STILL_TASKS,
        ),
        Lesson(
            steps=args.unseen_steps,
            pictures=args.batch // 4,
            lr=0.003,
            captions=0,
            questions=1,
            turns=3,
            families=WRITTEN_TASKS,
            unseen=args.unseen // args.processes,
        ),
    )
    for number, lesson in enumerate(lessons):
        kept = args.work / f"language-{number}.pt"
        if kept.exists():
            state = torch.load(kept, weights_only=True)
            model.load_state_dict(state["model"])
            heads.load_state_dict(state["heads"])
            continue
        language_stage(
            model,
            heads,
            TurnEncoder(processor, TOKENS),
            source,
            stream(args.work / "pictures", args.shards, random.Random(f"unseen {args.seed} {rank} {number}")),
            lesson,
            batch=lesson.pictures // args.processes,
            dense=0.3,
            rng=rng,
        )
        if chief():
            torch.save({"model": model.state_dict(), "heads": heads.state_dict()}, kept)
    if chief():
        save_model(model.to(torch.bfloat16), processor, args.out)
        size = sum(f.stat().st_size for f in args.out.rglob("*") if f.is_file()) / 1e6
        count = sum(p.numel() for p in model.parameters()) / 1e6
        print(f"saved {args.out}: {size:.2f} MB, {count:.2f} M parameters")
    if args.processes > 1:
        dist.destroy_process_group()


def main() -> None:
    """Renders in the background, trains in the foreground."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("build/starter"))
    parser.add_argument("--out", type=Path, default=Path("src/wherewise/models/starter"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shards", type=int, default=30, help=f"shards of {SHARD} pictures")
    parser.add_argument("--renderers", type=int, default=1, help="rendering processes")
    parser.add_argument("--vision-steps", type=int, default=900)
    parser.add_argument("--language-steps", type=int, default=1400)
    parser.add_argument("--reading-steps", type=int, default=400)
    parser.add_argument("--mixed-steps", type=int, default=500)
    parser.add_argument("--unseen-steps", type=int, default=400)
    parser.add_argument("--unseen", type=int, default=256, help="questions without a picture, a step")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--vision-width", type=int, default=160)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--processes", type=int, default=2, help="data-parallel training processes")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--port", type=int, default=29613)
    args = parser.parse_args()
    (args.work / "pictures").mkdir(parents=True, exist_ok=True)
    spawn = multiprocessing.get_context("spawn")
    renderers = [
        spawn.Process(
            target=_render, args=(args.work / "pictures", range(i, args.shards, args.renderers), args.seed), daemon=True
        )
        for i in range(args.renderers)
    ]
    for renderer in renderers:
        renderer.start()
    if args.processes == 1:
        train(0, args)
    else:
        torch.multiprocessing.spawn(train, args=(args,), nprocs=args.processes)


if __name__ == "__main__":
    main()
