"""What is said and kept when something goes wrong in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safetensors.torch import save_file
from torch import Tensor

from wherewise.training.recovery.disk import no_room

if TYPE_CHECKING:
    from wherewise.training.session import Phase, Session


def out_of_memory(session: Session, error: BaseException) -> str:
    """What to do about a GPU whose memory did not suffice: the three settings that matter, with their values."""
    config: Any = session.config
    batch = "micro_prompts" if hasattr(config, "micro_prompts") else "micro_batch"
    knobs = [f"{batch} (now {getattr(config, batch)})"]
    if hasattr(config, "generations"):
        knobs.append(f"generations or max_new_tokens (now {config.generations} and {config.max_new_tokens})")
    else:
        knobs.append("optimiser state: model.lora, or parallel.strategy fsdp")
    knobs.append(f"frames.max_frames (now {config.frames.max_frames}) or the pictures' size")
    doing = session.activity.text()
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"the GPU's memory did not suffice ({doing}): lower {'; or '.join(knobs)}. {first}"


def save_bad_step(session: Session, phase: Phase, step: int, *, loss: float, norm: float) -> None:
    """Write down a step that was not finite: ids in ``bad_steps.jsonl``, tensors in ``bad_steps/``."""
    world, folder = session.world, session.folder
    folder.bad_steps.mkdir(parents=True, exist_ok=True)
    suffix = "" if world.size == 1 else f"-rank-{world.rank}"
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in phase.batch_tensors().items()}
    file = folder.bad_steps / f"step-{step:06d}{suffix}.safetensors"
    with no_room("the tensors of a step that was not finite", file):
        save_file(distinct(tensors), file)
    ids = [name for names in world.gather(phase.batch_ids()) for name in names]
    if world.first:
        record = {"step": step, "loss": str(loss), "grad_norm": str(norm), "sample_ids": ids}
        folder.append("bad_steps.jsonl", {**record, "tensors": file.relative_to(folder.path).as_posix()})


def tensors_of(thing: Any) -> dict[str, Tensor]:
    """The tensors among a dataclass's fields, by name."""
    values = {name: getattr(thing, name) for name in thing.__dataclass_fields__}
    return {name: value for name, value in values.items() if isinstance(value, Tensor)}


def distinct(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors with no memory in common, as safetensors wants them."""
    return {name: tensor.clone() for name, tensor in tensors.items()}
