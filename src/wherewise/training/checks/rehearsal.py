"""``--dry-run``: everything about a run that can be checked and counted before a GPU works for it.

All problems are gathered and told together, each with its place and fix. The model's weights are loaded only to time
steps, and only once nothing is wrong.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from wherewise.answers.styles import render_prompt, render_target
from wherewise.media.image import image_size
from wherewise.media.video import probe
from wherewise.models.batch import EncodedPrompt
from wherewise.models.inputs import encode_target
from wherewise.models.load import load_config, load_processor, resolve_device
from wherewise.models.lora import trainable_text
from wherewise.rewards import Rewards, build_rewards
from wherewise.rewards.audit.offline import without_judges
from wherewise.samples import Image, Sample, Video
from wherewise.training.checks.canned import canned_problems, canned_text, try_replies
from wherewise.training.checks.estimate import Longest, advice, estimate, skeleton
from wherewise.training.checks.limits import within_limit
from wherewise.training.checks.preflight import MAX_LISTED, check_rewards, gold_reply, located, problems_of
from wherewise.training.config import RunConfig, total_steps
from wherewise.training.data import DataError, Encoder
from wherewise.training.grpo import phase as grpo
from wherewise.training.grpo.config import GRPOConfig
from wherewise.training.loading import load_for_training
from wherewise.training.loop import resolve_samples
from wherewise.training.optim import build_optimizer
from wherewise.training.parallel.placement import Placement
from wherewise.training.rollout.command import check_server
from wherewise.training.run_folder import RunFolder
from wherewise.training.session import Session
from wherewise.training.sft import phase as sft
from wherewise.training.sft.config import SFTConfig
from wherewise.training.sft.conversations import conversations_of
from wherewise.training.stepping import take_step

LONGEST = 8
"""So many samples with the largest media, and with the longest texts, go through the processor."""
SHOWN = 3
"""Samples that are printed as the model will see them."""

Say = Callable[[str], None]


@dataclass(kw_only=True, slots=True)
class Rehearsal:
    """A run that is only looked at.

    Attributes:
        config: SFT or GRPO.
        say: Told every finding, line by line.
        problems: What is wrong so far.
    """

    config: RunConfig
    say: Say
    problems: list[str] = field(default_factory=list)

    def attempt(self, check: Callable[[], None]) -> None:
        """Run a check; what it raises about the input is one problem more."""
        try:
            check()
        except ValueError as error:
            self.problems.append(str(error))

    def run(self, samples: Sequence[Sample] | None, *, memory: float | None = None, time_steps: int = 0) -> None:
        """All checks, then the timing.

        Args:
            samples: Instead of ``config.data``, or None.
            memory: GiB of the GPU to fit, or None.
            time_steps: Steps to time; 0 loads no weights.

        Raises:
            DataError: Something is wrong; all of it is listed.
        """
        config, say = self.config, self.say
        found, root = resolve_samples(config, samples)
        data, sizes = self.look_at(found, root)
        try:
            processor = load_processor(config.model.path)
        except ValueError as error:
            self.problems.append(str(error))
            self.refuse()
            raise
        data = self.short_enough(data, root)
        total = self.equation(data)
        encoder = Encoder(processor=processor, prompt=config.prompt, root=root, frames=config.frames, budget=0)
        longest = self.lengths(data, sizes, encoder)
        if isinstance(config, GRPOConfig):
            self.rewards(config, data)
        self.model(longest, memory)
        self.refuse()
        for sample in data[:SHOWN]:
            say(f"--- {sample.id} ({sample.task})")
            say(render_prompt(sample, config.prompt))
            supervised = isinstance(config, SFTConfig)
            say(f">>> {render_target(sample, config.prompt) if supervised else gold_reply(sample, config.prompt)}")
        if time_steps:
            self.time(data, root, total, time_steps)
        say("dry run: nothing was trained")

    # ------------------------------------------------------------------ the samples

    def look_at(self, samples: Sequence[Sample], root: Path | None) -> tuple[list[Sample], dict[str, int]]:
        """The header of every medium, and the full checks on as many samples as ``preflight`` says.

        Returns:
            The samples whose media can be opened, and the pixels of each.
        """
        config = self.config
        sizes: dict[str, int] = {}
        broken: set[str] = set()
        known: dict[Any, int] = {}
        for sample in samples:
            try:
                for medium in sample.media:
                    if medium not in known:
                        known[medium] = header_pixels(medium, root, sample.id, config)
                sizes[sample.id] = sum(known[medium] for medium in sample.media)
            except ValueError as error:
                self.problems.append(located(error, sample))
                broken.add(sample.id)
        good = [sample for sample in samples if sample.id not in broken]
        checked = good if config.preflight == "all" else good[: config.preflight]
        judges: list[Rewards] = []
        if isinstance(config, GRPOConfig):
            mixture, missing = config.mixture, config.missing
            self.attempt(lambda: judges.append(build_rewards(mixture, missing)))
        if good:
            self.problems += problems_of(
                good,
                checked,
                config.prompt,
                root,
                frames=config.frames,
                rewards=judges[0] if judges else None,
                need_target=isinstance(config, SFTConfig),
            )
        self.say(f"{len(known)} pictures and clips of {len(samples)} samples opened, {len(broken)} samples broken")
        self.say(
            f"{len(checked)} of {len(samples)} samples checked: media decode, prompts render"
            + (", gold answers score 1" if judges else ", targets render")
        )
        return good, sizes

    def short_enough(self, data: list[Sample], root: Path | None) -> list[Sample]:
        """The samples whose prompts are not too long; all of them where that is refused."""
        try:
            return list(within_limit(self.config, data, root, self.say))
        except ValueError as error:
            self.problems.append(str(error))
            return data

    def lengths(self, data: Sequence[Sample], sizes: dict[str, int], encoder: Encoder) -> Longest | None:
        """Tokens of the longest prompts and replies, by the processor; also refuses what can never fit."""
        config, shape = self.config, load_config(self.config.model.path)
        by_media = sorted(data, key=lambda s: -sizes[s.id])[:LONGEST]
        by_text = sorted(data, key=lambda s: -len(render_prompt(s, config.prompt)))[:LONGEST]
        prompts: list[tuple[int, int, int, str]] = []
        replies: list[tuple[int, str]] = []
        for sample in {s.id: s for s in (*by_media, *by_text)}.values():
            try:
                prompt = encoder.encode(sample)
                vision = int((prompt.mm_token_type_ids > 0).sum())
                prompts.append((prompt.length, vision, patches_of(prompt, shape), sample.id))
            except ValueError as error:
                self.problems.append(located(error, sample))
        supervised = isinstance(config, SFTConfig)
        texts = []
        for sample in data:
            try:
                target = render_target(sample, config.prompt) if supervised else gold_reply(sample, config.prompt)
                texts.append((target, sample))
            except ValueError:  # told already by `problems_of`, or not looked into
                continue
        for target, sample in sorted(texts, key=lambda pair: -len(pair[0]))[:LONGEST]:
            try:
                replies.append((len(encode_target(encoder.processor, target, sample_id=sample.id)), sample.id))
            except ValueError as error:
                self.problems.append(located(error, sample))
        if not prompts or not replies:
            return None
        length, vision, _, name = max(prompts)
        reply, replier = max(replies)
        self.say(f"longest prompt: {length} tokens, {vision} of them for pictures and clips (sample {name!r})")
        kind = "target" if supervised else "gold reply"
        self.say(f"longest {kind}: {reply} tokens (sample {replier!r}); nothing is ever cut")
        room = reply
        if isinstance(config, GRPOConfig):
            room = config.max_new_tokens
            if reply > room:
                self.problems.append(
                    f"sample {replier!r}: its gold reply has {reply} tokens and max_new_tokens is {room}: the right "
                    "reply cannot be written; raise max_new_tokens or choose a shorter prompt.style"
                )
        text = getattr(shape, "text_config", shape)
        context = getattr(text, "max_position_embeddings", None)
        if context is not None and length + room > context:
            self.problems.append(
                f"sample {name!r}: prompt and reply have {length} + {room} tokens and the model reads {context}: set "
                "max_prompt_tokens with `too_long: drop`, or use fewer frames or smaller pictures"
            )
        return Longest(prompt=length, reply=room, patches=max(p for _, _, p, _ in prompts))

    # ------------------------------------------------------------------ the run

    def equation(self, data: Sequence[Sample]) -> int:
        """What a step is made of; returns the number of steps."""
        config, count = self.config, len(data)
        if not count:
            return 0
        if isinstance(config, SFTConfig):
            count = len(conversations_of(data, config.turns))
            steps = total_steps(config.steps, config.epochs, count, config.batch_size)
            self.say(sft.batch_equation(config, count, steps))
        elif isinstance(config, GRPOConfig):
            steps = total_steps(config.steps, config.epochs, count, config.prompts_per_step, config.num_iterations)
            self.say(grpo.batch_equation(config, count, steps))
        return steps

    def rewards(self, config: GRPOConfig, data: Sequence[Sample]) -> None:
        """The audit, the table of canned replies, and the server that is to draw completions."""

        def check() -> None:
            for line in check_rewards(config, data):
                self.say(line)

        def table() -> None:
            configs, _ = without_judges(config.mixture)
            if not configs:
                return
            rewards: Rewards = build_rewards(configs, config.missing)
            rows = try_replies(rewards, data, config.prompt)
            self.say(canned_text(rows))
            if config.audit == "refuse":
                self.problems.extend(canned_problems(rows))

        def server() -> None:
            for line in check_server(config):
                self.say(line)

        if data:
            self.attempt(check)
            self.attempt(table)
        self.attempt(server)

    def model(self, longest: Longest | None, memory: float | None) -> None:
        """What is trained, and how much memory that takes."""

        def check() -> None:
            model = skeleton(self.config.model)
            self.say(f"parameters:\n{trainable_text(model)}")
            build_optimizer(model, self.config.optim)
            if longest is not None:
                gpu = memory is not None or resolve_device(self.config.model.device).type == "cuda"
                self.say(f"memory, by arithmetic: {estimate(model, self.config, longest, gpu=gpu).text()}")
                if memory is not None:
                    self.say(advice(self.config, longest, memory))

        self.attempt(check)

    def refuse(self) -> None:
        """Raise if there are problems."""
        if self.problems:
            unique = list(dict.fromkeys(self.problems))
            more = f"\n  and {len(unique) - MAX_LISTED} more" if len(unique) > MAX_LISTED else ""
            told = "".join(f"\n  {problem}" for problem in unique[:MAX_LISTED])
            raise DataError(f"{len(unique)} problems, nothing was trained:{told}{more}")

    def time(self, data: Sequence[Sample], root: Path | None, total: int, steps: int) -> None:
        """Take some steps on the real model, outside the run folder, and say how long the run will take."""
        config = self.config
        loaded = load_for_training(config)
        with tempfile.TemporaryDirectory() as folder:
            own = config.model_copy(update={"out": Path(folder)})
            encoder = Encoder(
                processor=loaded.processor,
                prompt=config.prompt,
                root=root,
                frames=config.frames,
                budget=config.cache_mb * 1024 * 1024,
            )
            session = Session(
                config=own,
                samples=data,
                root=root,
                folder=RunFolder(path=Path(folder)),
                loaded=loaded,
                encoder=encoder,
                total=total,
                device=resolve_device(config.model.device),
            )
            if isinstance(config, GRPOConfig):
                phase: Any = grpo.make_phase(session, build_rewards(config.mixture, config.missing))
            else:
                phase = sft.make_phase(session)
            optimizer = build_optimizer(loaded.model, config.optim)
            placement = Placement(model=loaded.model, world=session.world)
            seconds = []
            for step in range(1, steps + 1):
                began = time.perf_counter()
                take_step(session, placement, phase, optimizer, step)
                seconds.append(time.perf_counter() - began)
        each = min(seconds[1:] or seconds)
        told = ", ".join(f"{s:.2f}" for s in seconds)
        self.say(f"timed steps: {told} s; {total} steps of {each:.2f} s take {duration(each * total)}")
        if torch.cuda.is_available():
            self.say(f"most memory on the GPU: {torch.cuda.max_memory_allocated() / 2**30:.2f} GiB")
        del loaded, session, phase, optimizer
        gc.collect()


def header_pixels(medium: Image | Video, root: Path | None, sample_id: str, config: RunConfig) -> int:
    """Pixels that a picture or clip shows the model before resizing, from its header.

    Raises:
        MediaError: It is missing or cannot be opened.
    """
    if isinstance(medium, Image):
        width, height = image_size(medium, root, sample_id=sample_id)
        return width * height
    info = probe(medium, root, sample_id=sample_id)
    frames = config.frames.max_frames if medium.frame_times is None else len(medium.frame_times)
    return info.width * info.height * min(frames, info.frames)


def patches_of(prompt: EncodedPrompt, shape: Any) -> int:
    """Vision patches of a prompt; `shape` is the model's configuration."""
    grids = [g for g in (prompt.image_grid_thw, prompt.video_grid_thw) if g is not None]
    count = sum(int(g.prod(-1).sum()) for g in grids)
    if "pixel_values" in prompt.tiles:
        side = shape.vision_config.patch_size
        side = side if isinstance(side, int) else side[0]
        count += prompt.tiles["pixel_values"].numel() // (3 * side * side)
    return count


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(42), duration(4000), duration(200000)
    ('42 s', '1 h 7 min', '2 d 8 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def rehearse(
    config: RunConfig,
    samples: Sequence[Sample] | None = None,
    *,
    say: Say = print,
    memory: float | None = None,
    time_steps: int = 0,
) -> None:
    """Check a run of SFT or GRPO without training: see `Rehearsal`.

    Args:
        config: `SFTConfig` or `GRPOConfig`.
        samples: Instead of ``config.data``.
        say: Told the findings, one text at a time.
        memory: GiB of the GPU that the run shall fit.
        time_steps: Steps to time on the real model once all else is fine.

    Raises:
        DataError: Something is wrong; all of it is listed, and no weights were loaded.
    """
    Rehearsal(config=config, say=say).run(samples, memory=memory, time_steps=time_steps)
