"""Handing the policy's weights to a vLLM server: adapters by name, whole models by reloading.

Both go through a folder that trainer and server see under the same path. A version's name holds a digest of its bytes:
the server keeps what it computed for a prompt under the adapter's name, so that one name must never mean two adapters.
An adapter's name also holds a digest of its folder: the server reads it again whenever it has put it aside.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from wherewise.models.forward import unwrap
from wherewise.models.load import replace_folder
from wherewise.models.lora import save_adapter
from wherewise.training.rollout.client import PROBE_SECONDS, Answer, ServerMissingError, ServerReplyError, VllmClient
from wherewise.training.rollout.config import RolloutConfig

KEPT = 2
"""Versions that stay in the folder: the newest, and the one that completions may still be drawn with."""


class Handover(Protocol):
    """How the server gets the weights of a moment."""

    version: str | None
    """Name of the weights that the server has; None before the first."""

    def send(self, model: Any, step: int) -> str:
        """Give the server the weights of this moment; returns their name."""
        ...

    def adopt(self, version: str) -> object:
        """Know what another process of the run has given the server."""
        ...

    def restore(self) -> None:
        """Give a restarted server what it had."""
        ...

    def model_name(self) -> str:
        """What requests call the model."""
        ...

    def lost(self, answer: Answer) -> bool:
        """Whether a refusal means that the server has lost the weights."""
        ...

    def intact(self) -> bool:
        """Whether the server still has the weights that it was given last."""
        ...


def handover_folder(rollout: RolloutConfig, out: Path) -> Path:
    """Where a run hands over its weights; runs that share ``rollout.weights`` each have a folder in it."""
    if rollout.weights is None:
        return out / "handover"
    place = hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:8]
    return rollout.weights / f"{out.name}-{place}"


def clear(client: VllmClient, folder: Path) -> None:
    """After a run: the server forgets the adapters in a folder, then the folder goes."""
    answer = client.exchange("/v1/models", timeout=PROBE_SECONDS)
    for card in answer.json()["data"] if answer.status == 200 else []:
        if Path(str(card.get("root"))).parent == folder.resolve():
            client.exchange("/v1/unload_lora_adapter", {"lora_name": card["id"]}, timeout=PROBE_SECONDS)
    if folder.is_dir():
        shutil.rmtree(folder)


def digest(folder: Path) -> str:
    """First 12 hex digits of the sha256 of a folder's safetensors."""
    found = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as stream:
            while block := stream.read(1 << 24):
                found.update(block)
    return found.hexdigest()[:12]


def keep_newest(folder: Path, named: str, keep: Sequence[str]) -> None:
    """Delete versions other than those to keep."""
    for path in folder.glob(f"{named}-*"):
        if path.name not in keep:
            shutil.rmtree(path)


@dataclass(kw_only=True, slots=True)
class AdapterHandover:
    """A LoRA adapter, loaded at run time under a name of its own; older ones are unloaded.

    Attributes:
        client: The server.
        folder: Where adapters are written.
        version: The adapter that the server has.
    """

    client: VllmClient
    folder: Path
    version: str | None = None
    _loaded: list[str] = field(default_factory=list)

    def send(self, model: Any, step: int) -> str:
        """See `Handover.send`; unchanged weights keep their name."""
        fresh = save_adapter(model, self.folder / "next")
        place = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:6]
        name = f"adapter-{step:06d}-{digest(fresh)}-{place}"
        if self.version is not None and self.version.split("-")[2] == name.split("-")[2]:
            shutil.rmtree(fresh)
            return self.version
        target = self.folder / name
        if target.exists():
            shutil.rmtree(target)
        fresh.rename(target)
        self._load(name)
        for old in self.adopt(name):
            self.client.exchange("/v1/unload_lora_adapter", {"lora_name": old})
        keep_newest(self.folder, "adapter", self._loaded)
        return name

    def adopt(self, version: str) -> list[str]:
        """See `Handover.adopt`; returns what is not needed any more."""
        if version not in self._loaded:
            self._loaded.append(version)
        self.version, stale = version, self._loaded[:-KEPT]
        self._loaded = self._loaded[-KEPT:]
        return stale

    def restore(self) -> None:
        """See `Handover.restore`."""
        for name in self._loaded:
            self._load(name)

    def _load(self, name: str) -> None:
        path = str((self.folder / name).resolve())
        answer = self.client.ask("/v1/load_lora_adapter", {"lora_name": name, "lora_path": path})
        if answer.status == 200 or "already been loaded" in answer.body:
            return
        if answer.status in (404, 405) and name not in answer.body:
            raise ServerMissingError(
                f"the rollout server cannot load adapters at run time ({answer.short}). Start it with\n\n  "
                f"{self.client.start_command}\n"
            )
        raise ServerReplyError(
            f"the rollout server cannot load the adapter {path}: {answer.short}. It must see that folder "
            "(`rollout.weights`), and be started for adapters like this one:\n\n  "
            f"{self.client.start_command}\n"
        )

    def model_name(self) -> str:
        """See `Handover.model_name`: the adapter's name."""
        assert self.version is not None
        return self.version

    def lost(self, answer: Answer) -> bool:
        """See `Handover.lost`: an unknown model is an adapter that a restart lost."""
        return answer.status == 404 and any(name in answer.body for name in self._loaded)

    def intact(self) -> bool:
        """See `Handover.intact`: a lost adapter is an unknown model, which no request survives."""
        return True


@dataclass(kw_only=True, slots=True)
class ModelHandover:
    """The whole model: written as safetensors, read by the server's ``reload_weights``.

    The server must not be drawing meanwhile. What it remembers of prompts and pictures is thrown away afterwards.

    Attributes:
        client: The server.
        folder: Where the weights are written.
        served: Name of the model on the server.
        version: The weights that the server has.
    """

    client: VllmClient
    folder: Path
    served: str
    version: str | None = None

    def send(self, model: Any, step: int) -> str:
        """See `Handover.send`; unchanged weights keep their name."""
        fresh = replace_folder(self.folder / "next", unwrap(model).save_pretrained)
        name = f"weights-{step:06d}-{digest(fresh)}"
        if self.version is not None and self.version.split("-")[2] == name.split("-")[2]:
            shutil.rmtree(fresh)
            return self.version
        target = self.folder / name
        if target.exists():
            shutil.rmtree(target)
        fresh.rename(target)
        self.version = name
        self.restore()
        keep_newest(self.folder, "weights", [name])
        return name

    def adopt(self, version: str) -> None:
        """See `Handover.adopt`: only one process trains a whole model with a server."""
        self.version = version

    def restore(self) -> None:
        """See `Handover.restore`."""
        if self.version is None:
            return
        path = str((self.folder / self.version).resolve())
        self._order("/collective_rpc", {"method": "reload_weights", "kwargs": {"weights_path": path}})
        for cache in ("prefix", "mm", "encoder"):
            self._order(f"/reset_{cache}_cache", {})
        self._order("/update_weight_version", {"new_version": self.version})

    def _order(self, path: str, body: dict[str, Any]) -> None:
        answer = self.client.ask(path, body)
        if answer.status in (404, 405):
            raise ServerMissingError(
                f"the rollout server does not take whole models at run time ({answer.short}). Start it with\n\n  "
                f"{self.client.start_command}\n"
            )
        if answer.status != 200:
            raise ServerReplyError(f"the rollout server refused {path}: {answer.short}")
        if path == "/reset_prefix_cache" and not answer.json().get("success", True):
            raise ServerReplyError(
                "the rollout server could not forget the old weights' prompts: somebody else is drawing from it. A "
                "server of a full fine-tune serves one run alone"
            )

    def model_name(self) -> str:
        """See `Handover.model_name`: always the same."""
        return self.served

    def lost(self, answer: Answer) -> bool:
        """See `Handover.lost`: requests cannot tell."""
        return False

    def intact(self) -> bool:
        """See `Handover.intact`: the server says which weights it has."""
        answer = self.client.exchange("/weight_info", timeout=PROBE_SECONDS)
        return answer.status == 200 and answer.json().get("weight_version") == self.version
