"""Completions from a server beside the trainer (vLLM): weights out, prompts out, tokens and log-probabilities back."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from wherewise.answers.styles import render_prompt
from wherewise.models.inputs import EncodedPrompt, end_token_ids, padding_id
from wherewise.samples import Sample
from wherewise.training.data import load_media
from wherewise.training.grpo.config import GRPOConfig
from wherewise.training.grpo.prefix import Completions
from wherewise.training.grpo.scoring import never_sampled
from wherewise.training.loop import Session
from wherewise.training.rollout.client import ServerReplyError, VllmClient
from wherewise.training.rollout.command import check_settings, start_command
from wherewise.training.rollout.requests import (
    Sampling,
    check_prompt,
    clip_arguments,
    completions_of,
    message,
)
from wherewise.training.rollout.weights import AdapterHandover, Handover, ModelHandover, handover_folder

SEEDS = 1 << 48
"""Seeds are below this: the server adds the number of the completion to them."""
TENSORS = ("ids", "mask", "logprobs", "finished")
SPLICES = 3
"""How often a draw is repeated because the server lost its weights in the middle of it."""


class Order(NamedTuple):
    """One request for completions.

    Attributes:
        sample: Id of the prompt.
        generations: How many completions.
        seed: What they depend on, besides the weights.
        shuffle: Seed of the frames' order, or None.
        greedy: Whether the likeliest tokens are taken.
    """

    sample: str
    generations: int
    seed: int
    shuffle: str | None
    greedy: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """Completions of one prompt.

    Attributes:
        completions: The tokens.
        version: Name of the weights that drew them.
        seconds: From the request to the reply.
    """

    completions: Completions
    version: str
    seconds: float


@dataclass(kw_only=True, slots=True)
class ServerEngine:
    """A `RolloutEngine` on a vLLM server.

    Each prompt is one request for all its completions, so that its pictures are sent and read once. Seeds depend on the
    run's seed and the prompt's place in the order of prompts: what is asked again, of a restarted server or in a
    resumed run, is drawn alike.

    Attributes:
        session: Model, encoder and configuration.
        client: The server.
        handover: How it gets the weights.
        sampling: How completions are drawn.
    """

    session: Session
    client: VllmClient
    handover: Handover
    sampling: Sampling
    _slots: threading.Semaphore
    _ahead: dict[Order, Future[Delivery] | Delivery] = field(default_factory=dict)
    _versions: dict[str, str] = field(default_factory=dict)
    _drawn: list[Delivery] = field(default_factory=list)
    _early: int = 0
    _seconds: float = 0.0
    _handed: float = 0.0
    _waited: float = 0.0

    @classmethod
    def of(cls, session: Session) -> ServerEngine:
        """The engine of a GRPO run, whose server `check_server` has looked at.

        Raises:
            InputError: Settings do not go together.
        """
        config = cast(GRPOConfig, session.config)
        check_settings(config, session.world.size)
        client = VllmClient(config=config.rollout, start_command=start_command(config))
        folder = handover_folder(config.rollout, session.folder.path)
        handover: Handover
        if config.model.lora is not None:
            handover = AdapterHandover(client=client, folder=folder)
        else:
            handover = ModelHandover(client=client, folder=folder, served=config.rollout.model)
        client.restore = handover.restore
        processor = session.loaded.processor
        return cls(
            session=session,
            client=client,
            handover=handover,
            sampling=Sampling(
                temperature=config.temperature,
                top_p=config.top_p,
                max_tokens=config.max_new_tokens,
                end_ids=end_token_ids(processor),
                banned_ids=never_sampled(session.loaded),
                pad_id=padding_id(processor),
            ),
            _slots=threading.Semaphore(config.rollout.concurrency),
        )

    # ------------------------------------------------------------------ a draw

    def begin(self, step: int) -> None:
        """See `RolloutEngine.begin`: what was ordered ahead is waited for, then the server gets today's weights."""
        self._waited = self.client.waited
        self._settle()
        began = time.perf_counter()
        world, model = self.session.world, self.session.loaded.model
        self.handover.adopt(world.on_first(lambda: self.handover.send(model, step - 1)))
        self._handed = time.perf_counter() - began
        self._versions, self._drawn, self._early, self._seconds = {}, [], 0, 0.0

    def complete(
        self,
        samples: Sequence[Sample],
        generations: int,
        *,
        shuffle: str | None = None,
        greedy: bool = False,
        seeds: Sequence[int] | None = None,
    ) -> Completions:
        """See `RolloutEngine.complete`.

        Raises:
            ValueError: There are no seeds; a server has no randomness that a checkpoint could keep.
        """
        if seeds is None:
            raise ValueError("completions of a server need seeds")
        began = time.perf_counter()
        orders = [Order(s.id, generations, seed, shuffle, greedy) for s, seed in zip(samples, seeds, strict=True)]
        found = {order: self._ahead.pop(order) for order in orders if order in self._ahead}
        self._early += len(found)
        missing = [(order, s) for order, s in zip(orders, samples, strict=True) if order not in found]
        everything = {**found, **self._draw(missing)}
        deliveries = [everything[order] for order in orders]
        self._drawn += [self._result(item) for item in deliveries]
        drawn = self._drawn[-len(orders) :]
        if shuffle is None and not greedy:
            self._versions |= {order.sample: d.version for order, d in zip(orders, drawn, strict=True)}
        self._seconds += time.perf_counter() - began
        return Completions.join([d.completions for d in drawn], pad_id=self.sampling.pad_id)

    def _draw(self, missing: Sequence[tuple[Order, Sample]]) -> dict[Order, Delivery]:
        """Ask for completions and wait for them; again if the server lost its weights meanwhile."""
        for _ in range(SPLICES):
            asked = {order: self._submit(order, sample) for order, sample in missing}
            got = {order: self._result(future) for order, future in asked.items()}
            if not missing or self.handover.intact():
                return got
            self.client.say("the rollout server was restarted and drew with the wrong weights; drawing again")
            self.handover.restore()
        raise ServerReplyError(f"the rollout server lost its weights {SPLICES} times in one draw")

    def look_ahead(self, samples: Sequence[Sample], generations: int, seeds: Sequence[int]) -> None:
        """See `RolloutEngine.look_ahead`: with ``overlap``, the orders are sent at once, for today's weights."""
        if not cast(GRPOConfig, self.session.config).rollout.overlap:
            return
        self._ahead.clear()
        for sample, seed in zip(samples, seeds, strict=True):
            order = Order(sample.id, generations, seed, None, False)
            self._ahead[order] = self._submit(order, sample)

    def version_of(self, sample: Sample) -> str | None:
        """See `RolloutEngine.version_of`."""
        others = next(iter(self._versions.values()), self.handover.version)  # drawn by another process of the run
        return self._versions.get(sample.id, others)

    def report(self) -> dict[str, Any]:
        """See `RolloutEngine.report`."""
        tokens = sum(int(d.completions.mask.sum()) for d in self._drawn)
        tally, self.client.tally = self.client.tally, Counter()
        return {
            "rollout/version": self.handover.version,
            "rollout/ahead": self._early / len(self._drawn) if self._drawn else 0.0,
            "rollout/tokens": tokens,
            "rollout/seconds": self._seconds,
            "rollout/handover_seconds": self._handed,
            "rollout/waited_seconds": self.client.waited - self._waited,
            "rollout/retried": tally["retried"],
        }

    def state(self) -> dict[str, Any]:
        """See `RolloutEngine.state`: what was ordered ahead, once it is there."""
        self._settle()
        return {
            "ahead": [
                {
                    "order": list(order),
                    "version": delivery.version,
                    "seconds": delivery.seconds,
                    **{name: getattr(delivery.completions, name).contiguous() for name in TENSORS},
                }
                for order, delivery in self._ahead.items()
                if isinstance(delivery, Delivery)
            ]
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """See `RolloutEngine.load_state`."""
        for item in state.get("ahead", []):
            completions = Completions(**{name: item[name] for name in TENSORS})
            self._ahead[Order(*item["order"])] = Delivery(
                completions=completions, version=item["version"], seconds=item["seconds"]
            )

    def _settle(self) -> None:
        """Wait for what was ordered ahead; what a restarted server drew with other weights is not taken."""
        under_way = any(isinstance(item, Future) for item in self._ahead.values())
        settled = {order: self._result(item) for order, item in self._ahead.items()}
        if under_way and not self.handover.intact():
            self.client.say("the rollout server was restarted; what it drew ahead is drawn again")
            settled = {}
        self._ahead = {**settled}

    def _result(self, item: Future[Delivery] | Delivery) -> Delivery:
        """What was ordered, once it is there; if it cannot be had, nobody waits for the rest."""
        if isinstance(item, Delivery):
            return item
        try:
            return item.result()
        except BaseException:
            self.client.abandon()
            raise

    # ------------------------------------------------------------------ one request

    def _submit(self, order: Order, sample: Sample) -> Future[Delivery]:
        """Encode here (the encoder is not for several threads), ask in a thread."""
        encoder, config = self.session.encoder, cast(GRPOConfig, self.session.config)
        media = load_media(sample, self.session.root, config.frames, shuffle=order.shuffle)
        prompt = encoder.encode(sample) if order.shuffle is None else encoder.encode_shuffled(sample, order.shuffle)
        body = {
            **self.sampling.body(),
            **clip_arguments(media, sample_id=sample.id),
            "messages": [message(render_prompt(sample, config.prompt), media)],
            "n": order.generations,
            "seed": order.seed % SEEDS,
        }
        if order.greedy:
            body |= {"temperature": 0.0, "top_p": 1.0, "n": 1}
        assert self.handover.version is not None
        version, model = self.handover.version, self.handover.model_name()
        future: Future[Delivery] = Future()

        def work() -> None:
            with self._slots:
                try:
                    future.set_result(self._ask(prompt, body, model, version, order.generations))
                except BaseException as error:  # handed to the thread that waits for the completions
                    future.set_exception(error)

        # A daemon: a run that ends with an error does not wait for a server.
        threading.Thread(target=work, name=f"rollout {sample.id}", daemon=True).start()
        return future

    def _ask(self, prompt: EncodedPrompt, body: dict[str, Any], model: str, version: str, generations: int) -> Delivery:
        began = time.perf_counter()
        answer = self.client.ask("/v1/chat/completions", {"model": model, **body}, lost=self.handover.lost)
        if answer.status != 200:
            raise ServerReplyError(f"sample {prompt.sample_id!r}: the rollout server refused it: {answer.short}")
        reply = answer.json()
        check_prompt(prompt, reply, self.session.loaded.processor.tokenizer)
        drawn = completions_of(reply, int(body["n"]), self.sampling, sample_id=prompt.sample_id)
        if len(drawn) != generations:  # greedy: one completion stands for all
            drawn = Completions.join([drawn] * generations, pad_id=self.sampling.pad_id)
        return Delivery(completions=drawn, version=version, seconds=time.perf_counter() - began)
