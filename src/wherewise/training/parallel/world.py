"""The processes of a run: who they are, and the few things that they tell each other.

Every process takes the same steps. Prompts of a step are dealt out (`World.deal`), a group is never split, and what
the step's loss needs to know of all groups is exchanged (`World.gather`), so that the numbers are those of one process
with the same batch, up to the order in which floats are added.
"""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.distributed.nn.functional  # before any group is made: its defaults hold the one that is there

from wherewise.samples.errors import InputError, RunStopped
from wherewise.training.parallel.config import ParallelConfig, processes

T = TypeVar("T")
SETTLED = 3
"""How often in a row, a millisecond apart, the transport's threads are found resting before the process ends."""
SETTLING = 10.0
"""Longest wait for that, in seconds."""


class RankLost(RunStopped):
    """Another process of the run is gone, or stopped with an error of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """This process among the processes of the run.

    Attributes:
        rank: Number of this process, from 0.
        size: Number of processes.
        local_rank: Number of this process on its machine.
        opened: Whether `join` opened the connections, rather than found them open.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    opened: bool = False

    @property
    def first(self) -> bool:
        """Whether this is the process that writes the run folder."""
        return self.rank == 0

    def deal(self, count: int) -> range:
        """Which of `count` items, in their order, are this process's.

        >>> list(World(rank=1, size=2).deal(5)), list(World().deal(3))
        ([1, 3], [0, 1, 2])
        """
        return range(self.rank, count, self.size)

    def gather(self, value: T) -> list[T]:
        """Every process's value, by rank."""
        if self.size == 1:
            return [value]
        gathered: list[Any] = [None] * self.size
        with self.talking():
            dist.all_gather_object(gathered, value)
        return gathered

    def gather_dealt(self, own: Sequence[T], count: int) -> list[T]:
        """Every process's items, in the order in which `deal` dealt them out."""
        if self.size == 1:
            return list(own)
        parts = self.gather(list(own))
        return [parts[i % self.size][i // self.size] for i in range(count)]

    def sums(self, values: Mapping[str, float]) -> dict[str, float]:
        """Sums over the processes; every process has the same keys."""
        if self.size == 1:
            return dict(values)
        parts = self.gather(dict(values))
        return {key: sum(part[key] for part in parts) for key in values}

    def most(self, value: int) -> int:
        """The largest of the processes' values."""
        return value if self.size == 1 else max(self.gather(value))

    def any(self, flag: bool) -> bool:
        """Whether it is so on any process."""
        return flag if self.size == 1 else any(self.gather(flag))

    def barrier(self) -> None:
        """Wait for all processes."""
        if self.size > 1:
            self.gather(None)

    def on_first(self, work: Callable[[], T]) -> T:
        """The result of `work`, done by the first process alone; its error is an error everywhere.

        Raises:
            RankLost: On the other processes, if it failed on the first.
        """
        if self.size == 1:
            return work()
        result: list[Any] = [None, None]
        failure: BaseException | None = None
        if self.first:
            try:
                result[1] = work()
            except Exception as error:  # told to the others, then raised again below
                failure, result[0] = error, f"{type(error).__name__}: {error}"
        with self.talking():
            dist.broadcast_object_list(result, src=0)
        if failure is not None:
            raise failure
        if result[0] is not None:
            raise RankLost(f"rank {self.rank}: rank 0 stopped the run: {result[0]}")
        found: T = result[1]
        return found

    def together(self, work: Callable[[], T]) -> T:
        """The result of `work` on this process; an error of one process ends all of them here.

        Raises:
            RankLost: It succeeded here and failed on another process.
        """
        if self.size == 1:
            return work()
        failure: BaseException | None = None
        result: Any = None
        try:
            result = work()
        except Exception as error:  # told to the others, then raised again below
            failure = error
        told = self.gather(None if failure is None else f"{type(failure).__name__}: {failure}")
        if failure is not None:
            raise failure
        for rank, message in enumerate(told):
            if message is not None:
                raise RankLost(f"rank {self.rank}: rank {rank} stopped the run: {message}")
        found: T = result
        return found

    @contextmanager
    def talking(self) -> Iterator[None]:
        """Turn the transport's error about a lost process into one that says so.

        Raises:
            RankLost: Another process is gone.
        """
        try:
            yield
        except RuntimeError as error:
            if not is_lost(error):
                raise
            raise RankLost(
                f"rank {self.rank} of {self.size}: another process of the run is gone ({first_line(error)}); its own "
                "message says why. Start the same command again to go on from the last checkpoint"
            ) from error


SINGLE = World()
"""The only process of a run."""


def first_line(error: BaseException) -> str:
    """The first line of an error's message, shortened."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]


def is_lost(error: RuntimeError) -> bool:
    """Whether an error comes of a peer that is gone or silent: the transports have no class of their own for it."""
    if isinstance(error, RunStopped):
        return False
    signs = (
        "Connection closed by peer",
        "Connection reset by peer",
        "Connection refused",
        "Broken pipe",
        "gloo",
        "NCCL",
    )
    return isinstance(error, dist.DistError) or any(sign in str(error) for sign in signs)


def join(config: ParallelConfig, device: str) -> World:
    """Meet the other processes that torchrun started.

    Args:
        config: How many there must be, and how long to wait for them.
        device: ``model.device`` of the run: ``cpu`` talks over gloo, anything else over NCCL where there are GPUs.

    Raises:
        InputError: There are more or fewer processes than the config asks for, or fewer GPUs than processes.
    """
    try:
        rank, size, local_rank = processes(os.environ)
    except KeyError as error:
        raise InputError(
            f"WORLD_SIZE is {os.environ['WORLD_SIZE']} and {error} is not set: start the processes with torchrun, or "
            "unset WORLD_SIZE"
        ) from error
    if config.processes is not None and config.processes != size:
        raise InputError(
            f"parallel.processes is {config.processes}, and {size} process{'' if size == 1 else 'es'} of this run "
            f"{'was' if size == 1 else 'were'} started: use torchrun --nproc-per-node {config.processes} -m wherewise "
            "... (accelerate's launcher starts a single process where it finds no GPU)"
        )
    if size == 1:
        return SINGLE
    cuda = device != "cpu" and torch.cuda.is_available()
    if cuda:
        if local_rank >= torch.cuda.device_count():
            raise InputError(
                f"rank {rank} is number {local_rank} on a machine with {torch.cuda.device_count()} visible GPUs: "
                "start one process a GPU (--nproc-per-node)"
            )
        torch.cuda.set_device(local_rank)
    atexit.unregister(settle)
    atexit.register(settle)
    opened = not dist.is_initialized()
    if opened:
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if cuda else "gloo",
            timeout=timedelta(seconds=config.timeout),
            device_id=torch.device("cuda", local_rank) if cuda else None,
        )
    return World(rank=rank, size=size, local_rank=local_rank, opened=opened)


def leave(world: World) -> None:
    """Say goodbye, after a run that ended well."""
    if world.opened and dist.is_initialized():
        dist.destroy_process_group()


def settle(thread: str = "pt_gloo_runloop") -> None:
    """Wait until this process's threads of a name rest; does nothing where there is no ``/proc``.

    Runs when a process that joined others ends: a thread of gloo that still lets go of a finished collective's tensors
    while the interpreter shuts down aborts the process, and nothing in torch waits for it where something still holds
    the group, as DTensor's caches do.
    """
    resting, end = 0, time.monotonic() + SETTLING
    while resting < SETTLED and time.monotonic() < end:
        resting = resting + 1 if set(_thread_states(thread)) <= {"S"} else 0
        time.sleep(0.001)


def _thread_states(name: str) -> Iterator[str]:
    """States of this process's threads of a name, as Linux writes them: ``S`` sleeps, ``R`` runs or would."""
    for stat in Path("/proc/self/task").glob("*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            written = stat.read_text()  # "12 (pt_gloo_runloop) S ..."
            if f"({name})" in written:
                yield written.rpartition(")")[2].split()[0]
