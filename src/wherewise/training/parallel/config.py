"""Configuration of runs in several processes; needs no torch."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping


class Strategy(StrEnum):
    """How the model lies on the processes."""

    DDP = "ddp"
    """A whole copy on each; gradients are summed once a step."""
    FSDP = "fsdp"
    """Layers of the language model are cut into as many shards as there are processes (FSDP2), with their gradients and
    optimiser state; the vision tower is whole on each."""


class ParallelConfig(BaseModel):
    """Several processes, one a GPU, started by torchrun."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: Strategy = Strategy.DDP
    """How the model lies on the processes; nothing to choose with one."""
    processes: int | None = Field(default=None, ge=1)
    """Processes that the run needs; it is refused where a launcher started another number. None takes what there is."""
    timeout: float = Field(default=1800.0, gt=0)
    """Seconds that a process waits for the others before it gives up."""


def processes(environment: Mapping[str, str]) -> tuple[int, int, int]:
    """Rank, number of processes and rank on this machine, as torchrun tells them.

    >>> processes({}), processes({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"})
    ((0, 1, 0), (3, 4, 1))
    """
    size = int(environment.get("WORLD_SIZE", "1"))
    if size == 1:
        return 0, 1, 0
    rank = int(environment["RANK"])
    return rank, size, int(environment.get("LOCAL_RANK", str(rank)))
