"""What writing a dataset will take, before anything is asked: requests, tokens, cost, time."""

from __future__ import annotations

from dataclasses import dataclass

from wherewise.curate.config import ModelConfig, WriteConfig
from wherewise.curate.pictures import Pictures
from wherewise.curate.tasks import CHECK_RULES, WRITE
from wherewise.curate.writing import first_item
from wherewise.judge.request import Picture
from wherewise.judge.schema import portable_schema

CHARACTERS = 3.5
"""Characters of prompts, half JSON and half English, that make a token, about."""

PIXELS = 750
"""Pixels of a picture that make a token, about; 784 for the Qwen-VL family."""

WRITTEN, CHECKED = 110, 60
"""Tokens of a reply, about: a question with its options; a sentence and a letter."""

STATISTICS = 450
"""Characters that the statistics add to a prompt once there are some."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """What one model will do, about.

    Attributes:
        requests: Without retries and repairs.
        sent: Tokens.
        received: Tokens.
        cost: By the prices of the config; None without.
        minutes: At least so long, by its limit of requests a minute; None without.
    """

    requests: int
    sent: int
    received: int
    cost: float | None
    minutes: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a dataset will take, about.

    Attributes:
        pictures: Pictures that may be used, all of them read.
        refused: Why others may not.
        writer: The writing model.
        checker: The checking model if each question is checked `tries` times and a quarter more often; None without.
    """

    pictures: int
    refused: dict[str, int]
    writer: Share
    checker: Share | None

    def text(self) -> str:
        """For a person."""
        refused = ", ".join(f"{name.removeprefix('scenes.')} {count}" for name, count in sorted(self.refused.items()))
        lines = [f"{self.pictures} pictures ({refused})"]
        for name, share in (("writer", self.writer), ("checker", self.checker)):
            if share is None:
                continue
            cost = "no price given" if share.cost is None else f"cost about {share.cost:.2f}"
            wait = "" if share.minutes is None else f", at least {share.minutes:.0f} min"
            lines.append(
                f"{name}: {share.requests} requests, about {share.sent} tokens to send and {share.received} to "
                f"receive, {cost}{wait}"
            )
        return "\n".join(lines)


def estimate(config: WriteConfig, limit: int | None = None) -> Estimate:
    """Read all annotations, build all prompts, ask nothing.

    Args:
        config: What would be written.
        limit: Most pictures.
    """
    pictures = Pictures(config, limit)
    schema = len(str(portable_schema(WRITE.form)))
    count = characters = pixels = 0
    for _, item in pictures:
        prompt = WRITE.prompt(first_item(config, pictures, item))
        count += 1
        characters += len(prompt.system) + sum(len(part) for part in prompt.parts if not isinstance(part, Picture))
        camera = item.scene.views[0].camera
        pixels += min(config.max_pixels, camera.width * camera.height)
    seen = pixels if config.writer_sees == "picture" else 0
    once = characters + count * (schema + STATISTICS)
    sent = config.per_picture * int(once / CHARACTERS + seen / PIXELS)
    asked = count * config.per_picture
    writer = _share(config.writer, asked, sent, asked * WRITTEN)
    checker = None
    if config.checker is not None:
        tries = config.tries + config.more_tries / 4
        questions = asked if config.rows is None or config.shortage == "fill" else min(asked, config.rows)
        each = (len(CHECK_RULES) + 200) / CHARACTERS + pixels / max(1, count) / PIXELS
        requests = int(questions * tries)
        checker = _share(config.checker, requests, int(requests * each), requests * CHECKED)
    return Estimate(pictures=count, refused=dict(pictures.tally), writer=writer, checker=checker)


def _share(model: ModelConfig, requests: int, sent: int, received: int) -> Share:
    pace = model.requests_per_minute
    return Share(
        requests=requests,
        sent=sent,
        received=received,
        cost=None if model.price is None else model.price.cost(sent, received),
        minutes=None if pace is None else requests / pace,
    )
