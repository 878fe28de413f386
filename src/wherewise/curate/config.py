"""Which pictures, which models, which questions are wanted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from wherewise.curate.tasks import LEVELS, WRITE_RULES, Category
from wherewise.judge.config import BudgetConfig, JudgeConfig
from wherewise.samples.manifest import SPLIT_NAME
from wherewise.scenes.graphs import GraphFiles, GraphFormat

HALF_RELATIONS: dict[Category, float] = {
    category: 0.5 if category is Category.RELATION else 0.0625 for category in Category
}
"""Half of the questions about relations, the rest in equal parts about everything else: the shares of STVQA-7K."""


class GraphSource(BaseModel):
    """Where the annotated pictures are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: GraphFormat
    """Layout of the annotations: visual_genome, vg150, clevr or nlvr."""
    annotations: Path
    """File or folder of annotations."""
    media_root: Path | None = None
    """Folder of the pictures; the folder of the annotations where null."""
    media: str = "{name}"
    """Path of a picture inside `media_root`; ``{name}`` is what the annotations call it."""
    size: tuple[int, int] = (480, 320)
    """Width and height of CLEVR pictures that are not there to be measured."""
    license: str | None = None
    """Licence that the samples carry; null for the dataset's own."""

    def files(self) -> GraphFiles:
        """The same for the reader."""
        return GraphFiles(**{name: getattr(self, name) for name in type(self).model_fields})


class ModelConfig(JudgeConfig):
    """A model behind an OpenAI-compatible URL; Anthropic's and Google's services have one too."""

    budget: BudgetConfig = BudgetConfig(max_none_share=0.5)
    """When to stop the run: more than half of the last 200 requests without a usable reply."""

    @field_validator("cache")
    @classmethod
    def _kept_already(cls, value: Path | None) -> Path | None:
        if value is not None:
            raise ValueError("takes no file here: every reply is kept in the dataset's folder")
        return value

    def identity(self) -> dict[str, Any]:
        """What a reply depends on besides its prompt."""
        names = ("model", "temperature", "seed", "max_tokens", "extra_body", "reply_mode", "repairs", "cache_salt")
        return {name: self.model_dump(mode="json")[name] for name in names}


class WriterConfig(ModelConfig):
    """The model that writes."""

    _section: ClassVar[str] = "writer."


class CheckerConfig(ModelConfig):
    """The model that checks. It must see pictures, and should be another one than the writer."""

    _section: ClassVar[str] = "checker."

    temperature: float | None = Field(default=0.7, ge=0, le=2)
    """Sampling temperature: at 0 the second try would only repeat the first. Each try has a seed of its own, too."""


class WriteConfig(BaseModel):
    """A dataset of questions that a model writes about annotated pictures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    out: Path = Path("data/written")
    """Dataset folder to write; ``replies/`` in it keeps what the models said."""
    seed: int = Field(default=0, ge=0)
    """Seed of splits, of choices among equals and of the order of options."""
    graphs: GraphSource
    """The annotated pictures."""
    exclude: tuple[Path, ...]
    """Lists of pictures that must not be used (``wherewise data exclusions`` makes them); ``[]`` says: none."""
    near_duplicates: float | None = Field(default=0.05, gt=0)
    """Pictures whose boxes all agree to so many hundredths of their width are one, and only the first is used; null
    lets them pass."""
    skip: tuple[str, ...] = ()
    """Scenes that are left out, by id: for one that a server fails on again and again."""
    splits: dict[str, float] = {"train": 0.9, "val": 0.1}
    """Share of each split; a picture falls into one of them whatever other pictures there are."""

    writer: WriterConfig
    """The model that writes."""
    writer_sees: Literal["graph", "picture"] = "graph"
    """``picture`` shows it the picture besides the graph."""
    per_picture: int = Field(default=1, ge=1, le=10)
    """Questions that are asked for each picture."""
    round: int = Field(default=32, ge=1, le=1024)
    """Pictures that are asked about at once: all of a round see the statistics of the rounds before it."""
    max_objects: int = Field(default=60, ge=2)
    """Most objects of a graph that the writer is told of, the largest ones; counting uses all."""
    levels: dict[str, float] = {"easy": 0.4, "medium": 0.4, "hard": 0.2}
    """Shares of the levels that the writer is asked for."""

    min_share: float = Field(default=0.003, ge=0, lt=1)
    """Least share of the picture that the largest object of each noun of a question must cover."""
    counts: Literal["annotated", "complete"] = "annotated"
    """Which graphs count questions are asked of: ``complete`` refuses them where not everything is annotated (Visual
    Genome), so that a number may be too low."""
    min_rating: int = Field(default=1, ge=1, le=10)
    """Least rating."""

    checker: CheckerConfig | None = None
    """The model that answers each question, seeing the picture and not the solution; null checks nothing."""
    tries: int = Field(default=2, ge=1, le=8)
    """Times that it answers; the options stand in another order each time."""
    more_tries: int = Field(default=2, ge=0, le=8)
    """Further tries where none of the first was right. A question without a right try is refused."""
    easy_from: float = Field(default=1.0, gt=0, le=1)
    """Least share of right tries of an easy question; the others are hard."""
    by_difficulty: bool = False
    """Name the splits ``train_easy``, ``train_hard`` and so on instead of ``train``."""
    max_pixels: int = Field(default=1_500_000, ge=10_000)
    """Larger pictures are shrunk to so many pixels before they are sent; the dataset has them as they are."""

    rows: int | None = Field(default=None, ge=1)
    """Questions wanted in all splits together; null takes as many as the shares allow."""
    shares: dict[Category, float] = HALF_RELATIONS
    """Share of each category in each split; a category that is not named gets none."""
    shortage: Literal["shrink", "fill"] = "shrink"
    """What to do when a category has too few: ``shrink`` all of them so that the shares hold, or ``fill`` up from those
    that have more."""
    max_cost: float | None = Field(default=None, gt=0)
    """Stop when the models' replies have cost so much, by the prices given for them."""

    embed: bool = True
    """Put the pictures into the rows; else samples name the files relative to the folder of pictures."""
    shard_rows: int = Field(default=512, ge=1)
    """Most samples in one Parquet shard."""

    @field_validator("splits")
    @classmethod
    def _splits(cls, value: dict[str, float]) -> dict[str, float]:
        bad = [name for name, share in value.items() if not SPLIT_NAME.fullmatch(name) or share <= 0]
        if bad or not value:
            raise ValueError(f"splits {bad} should be names (train, val, test) with positive shares")
        return value

    @field_validator("shares")
    @classmethod
    def _shares(cls, value: dict[Category, float]) -> dict[Category, float]:
        if not value or any(share <= 0 for share in value.values()):
            raise ValueError("shares should be positive; leave out a category that is not wanted")
        return value

    @field_validator("levels")
    @classmethod
    def _levels(cls, value: dict[str, float]) -> dict[str, float]:
        if set(value) != set(LEVELS) or any(share < 0 for share in value.values()) or not sum(value.values()):
            raise ValueError(f"levels should be shares of {', '.join(LEVELS)}, not all 0")
        return value

    @model_validator(mode="after")
    def _prices(self) -> WriteConfig:
        if self.max_cost is not None:
            for name, model in (("writer", self.writer), ("checker", self.checker)):
                if model is not None and model.price is None:
                    raise ValueError(f"max_cost needs {name}.price (input_per_million, output_per_million)")
        return self

    def writer_fingerprint(self) -> str:
        """Stands for everything that the writer's replies depend on besides the pictures."""
        shares = {str(name): share for name, share in self.shares.items()}
        return _digest(
            {
                "rules": WRITE_RULES,
                "writer": self.writer.identity(),
                "sees": self.writer_sees,
                "round": self.round,
                "max_objects": self.max_objects,
                "shares": shares,
                "levels": self.levels,
                "max_pixels": self.max_pixels if self.writer_sees == "picture" else None,
            }
        )


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:24]
