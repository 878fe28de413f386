"""verl itself reads the folder. Run in an environment that holds verl (``env.txt`` of an export) and wherewise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from engine_toy import config, samples
from test_exports import by_command, replies

from wherewise.engines.hand_over import HandOver
from wherewise.engines.verl import VerlSettings, export_verl
from wherewise.rewards import Completion, build_rewards

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from wherewise.models.load import ensure_torchvision

    ensure_torchvision()
    pytest.importorskip("verl", reason="verl is not installed here; see env.txt of an export")
    folder = tmp_path_factory.mktemp("verl")
    export_verl(HandOver.of(config(folder), folder / "out"), VerlSettings())
    return folder


@pytest.fixture(scope="module")
def processor(folder: Path) -> Any:
    """A real Qwen2.5-VL processor with a small vocabulary."""
    from wherewise.models.tiny import build_processor, build_tokenizer

    return build_processor("qwen2_5_vl", build_tokenizer(), patch_size=14)


def test_its_dataset_reads_pictures_and_clips(folder: Path, processor: Any) -> None:
    from omegaconf import OmegaConf
    from verl.utils.dataset.rl_dataset import RLHFDataset

    settings = OmegaConf.create(
        {
            "filter_overlong_prompts": True,
            "filter_overlong_prompts_workers": 1,
            "max_prompt_length": 4096,
            "image_patch_size": 14,
            "truncation": "error",
        }
    )
    data = RLHFDataset(
        str(folder / "out" / "train.parquet"), tokenizer=processor.tokenizer, processor=processor, config=settings
    )
    assert len(data) == len(samples())
    for item, sample in zip(data, samples(), strict=True):
        kinds = [part["type"] for part in item["raw_prompt"][0]["content"] if isinstance(part, dict)]
        assert kinds.count("image") + kinds.count("video") == len(sample.media)
        assert item["extra_info"]["sample_id"] == sample.id


def test_its_vision_code_gives_the_frames(folder: Path, processor: Any) -> None:
    import asyncio

    from verl.utils.dataset.rl_dataset import RLHFDataset

    row = pq.read_table(folder / "out" / "train.parquet").to_pylist()[2]
    messages = [{"role": "user", "content": [{"type": "video", **row["videos"][0]}, {"type": "text", "text": "?"}]}]
    found = asyncio.run(RLHFDataset.process_vision_info(messages, 14, None))
    ((frames, metadata),) = found[1]
    assert frames.shape[0] == 4
    assert metadata["fps"] == 2.0


def test_its_reward_manager_gives_our_scores(folder: Path, processor: Any, tmp_path: Path) -> None:
    """200 replies through verl's own manager and tokenizer, through ours, and through ``wherewise reward score``."""
    import asyncio

    import numpy as np
    import torch
    from omegaconf import OmegaConf
    from verl import DataProto
    from verl.trainer.ppo.reward import load_reward_manager

    custom = {"path": str(folder / "out" / "reward.py"), "name": "compute_score", "reward_kwargs": {}}
    manager = {"source": "register", "name": "naive", "module": None}
    settings = OmegaConf.create(
        {
            "reward": {"custom_reward_function": custom, "reward_manager": manager, "num_workers": 1},
            "data": {"reward_fn_key": "data_source"},
        }
    )
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    judge = load_reward_manager(settings, processor.tokenizer)
    rows = pq.read_table(folder / "out" / "train.parquet").to_pylist()
    plain = config(folder)
    ours = build_rewards(plain.rewards)
    values, said_of = set(), []
    for row, text in replies(200):
        ids = torch.tensor([processor.tokenizer.encode(text or " ")])
        data = DataProto.from_dict(
            tensors={"responses": ids, "attention_mask": torch.ones(ids.shape, dtype=torch.long)},
            non_tensors={
                key: np.array([rows[row][key]], dtype=object) for key in ("data_source", "reward_model", "extra_info")
            },
        )
        given = judge.loop.run_until_complete(judge.run_single(data))["reward_score"]
        said = processor.tokenizer.decode(ids[0], skip_special_tokens=True)
        seen = rows[row]["extra_info"]["seen"] or None
        reply = Completion(text=said, seen=seen and (seen[0], seen[1]))
        assert given == ours.total(ours.score(reply, samples()[row], plain.prompt))
        values.add(given)
        said_of.append((row, said, given))
    commanded = by_command(tmp_path, [(row, said) for row, said, _ in said_of], rows)
    assert commanded == pytest.approx([given for _, _, given in said_of], abs=1e-12)
    assert len(values) >= 3


@pytest.mark.parametrize("script", ["run.sh", "run_nodes.sh"])
def test_its_config_accepts_every_setting(folder: Path, script: str) -> None:
    """Hydra composes verl's own config with the script's settings and prints it; a wrong key would be refused."""
    text = (folder / "out" / script).read_text(encoding="utf-8").replace("exec python3", f"exec {sys.executable}")
    (folder / "out" / "dry.sh").write_text(text)
    done = subprocess.run(
        ["bash", str(folder / "out" / "dry.sh"), "--cfg", "job"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "adv_estimator: grpo" in done.stdout
    assert f"train_files: {folder / 'out' / 'train.parquet'}" in done.stdout


def test_its_config_reads_adapters_back(folder: Path, tmp_path: Path) -> None:
    """A pattern with backslashes and brackets comes through the shell and Hydra unchanged."""
    pattern = r".*language_model.*\.(q_proj|v_proj)"
    model = {"path": "Qwen/Qwen2.5-VL-3B-Instruct", "lora": {"targets": pattern, "r": 8}}
    export_verl(HandOver.of(config(folder, model=model), tmp_path / "out"), VerlSettings())
    text = (tmp_path / "out" / "run.sh").read_text(encoding="utf-8").replace("exec python3", f"exec {sys.executable}")
    (tmp_path / "out" / "dry.sh").write_text(text)
    done = subprocess.run(
        ["bash", str(tmp_path / "out" / "dry.sh"), "--cfg", "job"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"target_modules: {pattern}" in done.stdout
    assert "lora_rank: 8" in done.stdout
