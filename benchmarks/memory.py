"""Memory of a training step: the arithmetic of `wherewise.training.checks.estimate` beside what a process really takes.

    python benchmarks/memory.py             estimated and measured, tiny models on the CPU, a process each
    python benchmarks/memory.py --presets   which settings fit GPUs of 16, 24, 48 and 80 GB, by arithmetic alone

Measured is the growth of the largest resident size of a process (Linux), from before the model is loaded to after two
steps.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import PIL.Image
import torch

from wherewise.answers.styles import PromptConfig
from wherewise.models.load import load_processor, save_model
from wherewise.models.lora import apply_lora
from wherewise.models.tiny import build_tiny
from wherewise.models.torchvision_shim import ensure_torchvision
from wherewise.rewards import Completion, RewardConfig, Score
from wherewise.samples import Choice, Image, Sample
from wherewise.training.checks.estimate import Longest, estimate, skeleton
from wherewise.training.checks.rehearsal import Rehearsal
from wherewise.training.config import LoraConfig, ModelConfig, QuantizeConfig, RunConfig
from wherewise.training.data import Encoder
from wherewise.training.grpo.config import GRPOConfig
from wherewise.training.sft.config import SFTConfig

SIZES = {"hidden_size": 256, "layers": 4, "vision_hidden_size": 256, "vision_depth": 4}
PICTURE = 224
MIB = 2**20


def varied(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
    """A reward that differs within every group: groups that are paid alike take no backward pass."""
    return Score(value=zlib.crc32(completion.text.encode()) % 97 / 97)


def picture_samples(count: int) -> list[Sample]:
    """Questions about grey pictures of one size."""
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (PICTURE, PICTURE), (90, 90, 90)).save(buffer, "PNG")
    media = (Image(data=buffer.getvalue(), width=PICTURE, height=PICTURE),)
    answer, options = Choice(letter="A", text="grey"), ("grey", "red")
    return [
        Sample(id=str(i), media=media, question="Which?", options=options, answer=answer, task="t", group=str(i))
        for i in range(count)
    ]


def cases(model: Path) -> Iterator[tuple[str, RunConfig]]:
    """Names and runs to compare."""
    for name, lora in (
        ("all weights", None),
        ("LoRA, language and vision", LoraConfig(r=8, vision=True)),
    ):
        made = ModelConfig(path=str(model), device="cpu", lora=lora)
        yield f"SFT, {name}, 8 a pass", SFTConfig(out=Path("o"), model=made, steps=9, batch_size=8, threads=1)
        yield (
            f"GRPO, {name}, 2 x 8 a pass",
            GRPOConfig(
                out=Path("o"),
                model=made,
                steps=9,
                prompts_per_step=2,
                micro_prompts=2,
                max_new_tokens=12,
                rewards=(RewardConfig(name=f"{__file__}:varied"),),
                threads=1,
            ),
        )


def status(key: str) -> int:
    """A value of ``/proc/self/status`` in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


def measure(config: RunConfig, answers: Any) -> None:
    """Estimate and measure one run, in a process of its own."""
    samples = picture_samples(8)
    processor = load_processor(config.model.path)
    encoder = Encoder(processor=processor, prompt=config.prompt, root=None, frames=config.frames, budget=0)
    prompt = encoder.encode(samples[0])
    reply = config.max_new_tokens if isinstance(config, GRPOConfig) else 2
    assert prompt.image_grid_thw is not None
    longest = Longest(prompt=prompt.length, reply=reply, patches=int(prompt.image_grid_thw.prod(-1).sum()))
    memory = estimate(skeleton(config.model), config, longest, gpu=False)
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    Rehearsal(config=config, say=lambda line: None).time(samples, None, 9, 2)
    answers.put((memory.total, status("VmHWM") - before))


def compare() -> list[dict[str, Any]]:
    """A row a run."""
    rows = []
    context = multiprocessing.get_context("fork")  # nothing has started a thread yet; a fresh start costs seconds
    with tempfile.TemporaryDirectory() as folder:
        for family in ("qwen3_vl", "qwen2_5_vl"):
            path = save_model(*build_tiny(family, **SIZES), Path(folder) / family)  # type: ignore[arg-type]
            for name, config in cases(path):
                answers = context.Queue()
                process = context.Process(target=measure, args=(config, answers))
                process.start()
                process.join()
                estimated, measured = answers.get(timeout=1)
                row = {"family": family, "run": name, "estimated_mib": estimated / MIB, "measured_mib": measured / MIB}
                rows.append(row)
                print(
                    f"{family:<12}{name:<42}{estimated / MIB:>8.0f} MiB estimated{measured / MIB:>8.0f} measured  "
                    f"x {estimated / measured:.2f}",
                    flush=True,
                )
    return rows


def known_models() -> dict[str, Any]:
    """Shapes of published models, without weights."""
    import transformers

    def qwen2_5(hidden: int, layers: int, heads: int, kv: int, mlp: int, vocabulary: int, tied: bool) -> Any:
        return transformers.Qwen2_5_VLConfig(
            text_config={
                "hidden_size": hidden,
                "num_hidden_layers": layers,
                "num_attention_heads": heads,
                "num_key_value_heads": kv,
                "intermediate_size": mlp,
                "vocab_size": vocabulary,
                "tie_word_embeddings": tied,
            },
            vision_config={"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "out_hidden_size": hidden},
            tie_word_embeddings=tied,
        )

    def qwen3(hidden: int, layers: int, heads: int, mlp: int, tied: bool, vision: dict[str, Any]) -> Any:
        return transformers.Qwen3VLConfig(
            text_config={
                "hidden_size": hidden,
                "num_hidden_layers": layers,
                "num_attention_heads": heads,
                "num_key_value_heads": 8,
                "head_dim": 128,
                "intermediate_size": mlp,
                "vocab_size": 151936,
                "tie_word_embeddings": tied,
            },
            vision_config={**vision, "out_hidden_size": hidden},
            tie_word_embeddings=tied,
        )

    small = {"depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "deepstack_visual_indexes": [5, 11, 17]}
    large = {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "deepstack_visual_indexes": [8, 16, 24]}
    return {
        "Qwen3-VL-2B": qwen3(2048, 28, 16, 6144, True, small),
        "Qwen2.5-VL-3B": qwen2_5(2048, 36, 16, 2, 11008, 151936, True),
        "Qwen2.5-VL-7B": qwen2_5(3584, 28, 28, 4, 18944, 152064, False),
        "Qwen3-VL-8B": qwen3(4096, 36, 32, 12288, False, large),
    }


def presets() -> None:
    """For each model and way of training the largest micro-batch that fits each size of GPU."""
    ensure_torchvision()
    import transformers

    longest = Longest(prompt=1100, reply=256, patches=4096)
    ways: dict[str, dict[str, Any]] = {
        "all weights, recomputing": {"lora": None, "checkpointing": True},
        "LoRA r=32, bf16": {"lora": LoraConfig(r=32, alpha=64.0)},
        "LoRA, recomputing": {"lora": LoraConfig(r=32, alpha=64.0), "checkpointing": True},
        "QLoRA 4-bit, recomputing": {
            "lora": LoraConfig(r=32, alpha=64.0),
            "quantize": QuantizeConfig(),
            "checkpointing": True,
        },
    }
    gpus = (16, 24, 48, 80)
    print(f"{longest.prompt} prompt tokens ({longest.patches} patches), {longest.reply} reply tokens; GRPO with G = 8")
    print("| model | training | parameters (B) | " + " | ".join(f"{g} GB: SFT / GRPO" for g in gpus) + " |")
    print("|---" * (3 + len(gpus)) + "|")
    for name, shape in known_models().items():
        for way, changes in ways.items():
            with torch.device("meta"):
                model = transformers.AutoModelForImageTextToText.from_config(shape).to(torch.bfloat16)
                parameters = sum(p.numel() for p in model.parameters())
                if changes["lora"] is not None:
                    model = apply_lora(model, **changes["lora"].model_dump())
            made = ModelConfig(path=name, dtype="bfloat16", **changes)
            cells = []
            for gpu in gpus:
                pair = []
                for kind in ("micro_batch", "micro_prompts"):
                    fits = 0
                    for size in (1, 2, 4, 8, 16, 32):
                        common: dict[str, Any] = {"out": Path("o"), "model": made, "steps": 1, kind: size}
                        config: RunConfig = (
                            SFTConfig(**common)
                            if kind == "micro_batch"
                            else GRPOConfig(**common, generations=8, max_new_tokens=longest.reply)
                        )
                        if estimate(model, config, longest, gpu=True).total <= 0.9 * gpu * 1e9:
                            fits = size
                    pair.append(str(fits or "–"))
                cells.append(" / ".join(pair))
            print(f"| {name} | {way} | {parameters / 1e9:.2f} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """See the module's documentation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", action="store_true", help="what fits which GPU, by arithmetic")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON at the end")
    arguments = parser.parse_args()
    if arguments.presets:
        presets()
        return
    rows = compare()
    worst = max(abs(row["estimated_mib"] / row["measured_mib"] - 1) for row in rows)
    print(f"largest error: {100 * worst:.0f} %")
    if arguments.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
