"""Folders for other engines: the rows, the scripts, and rewards that are ours to the digit."""

from __future__ import annotations

import importlib.util
import json
import random
import re
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from engine_toy import config, samples

from wherewise.answers.styles import PromptConfig, render_target
from wherewise.engines.hand_over import HandOver
from wherewise.engines.remote_reward import NotJudgedError, swift_reward, trl_reward, verl_compute_score
from wherewise.engines.swift import SwiftSettings, export_swift
from wherewise.engines.verl import VerlSettings, export_verl
from wherewise.rewards import Completion, build_rewards
from wherewise.samples.errors import InputError

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    plain = config(folder)
    export_verl(HandOver.of(plain, folder / "verl"), VerlSettings(validate=("train",)))
    export_swift(HandOver.of(plain, folder / "swift"), SwiftSettings())
    return folder


def steady(text: str, folder: Path) -> str:
    """A file without what differs from one machine to the next."""
    text = text.replace(str(folder), "FOLDER")
    return re.sub(r"media/[0-9a-f]{24}", "media/HASH", text)


@pytest.mark.parametrize(
    "name",
    [
        "verl/run.sh",
        "verl/run_nodes.sh",
        "verl/import.sh",
        "verl/reward.py",
        "verl/rewards.json",
        "swift/run.sh",
        "swift/train.jsonl",
        "swift/plugin.py",
        "verl/env.txt",
        "swift/env.txt",
    ],
)
def test_files_are_the_golden_ones(exports: Path, name: str) -> None:
    """After a wanted change: copy the printed file over the golden one, and read the difference."""
    golden = GOLDEN / name.replace("/", "-")
    found = steady((exports / name).read_text(encoding="utf-8"), exports)
    assert found == golden.read_text(encoding="utf-8"), f"{golden} differs from:\n{found}"


def test_rows_of_verl(exports: Path) -> None:
    rows = pq.read_table(exports / "verl" / "train.parquet").to_pylist()
    assert [row["extra_info"]["sample_id"] for row in rows] == [s.id for s in samples()]
    for row, sample in zip(rows, samples(), strict=True):
        (turn,) = row["prompt"]
        assert turn["content"].count("<image>") == len(row["images"])
        assert turn["content"].count("<video>") == len(row["videos"])
        assert len(row["images"]) + len(row["videos"]) == len(sample.media)
    assert rows[0]["images"][0]["bytes"] == samples()[0].media[0].data
    assert rows[0]["extra_info"]["seen"] == [84, 56]
    frames = rows[2]["videos"][0]
    assert len(frames["video"]) == 4
    assert frames["sample_fps"] == 2.0
    assert all(Path(file).is_file() for file in frames["video"])


def test_scripts_are_shell(exports: Path) -> None:
    for script in [*exports.glob("*/*.sh")]:
        subprocess.run(["bash", "-n", str(script)], check=True)


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("exported_reward", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def replies(count: int = 200) -> list[tuple[int, str]]:
    """(Row, text): right ones, broken ones and nonsense."""
    rng = random.Random(5)
    asked = samples()
    prompt = PromptConfig(style="think")
    made = []
    for k in range(count):
        row = k % len(asked)
        right = render_target(asked[row], prompt)
        cut = right[: rng.randrange(len(right))]
        text = rng.choice([right, cut, right.replace("answer", "anwser"), "B", "", right.upper()])
        made.append((row, text))
    return made


def test_rewards_are_ours_to_the_digit(exports: Path) -> None:
    rows = pq.read_table(exports / "verl" / "train.parquet").to_pylist()
    ours = build_rewards(config(exports).rewards)
    score = load(exports / "verl" / "reward.py").compute_score
    lines = [json.loads(line) for line in (exports / "swift" / "train.jsonl").read_text().splitlines()]
    swift = swift_reward(exports / "swift" / "rewards.json")
    trl = trl_reward(exports / "verl" / "rewards.json")
    seen = set()
    for row, text in replies():
        info = rows[row]["extra_info"]
        size = info["seen"] or None
        expected = ours.total(
            ours.score(Completion(text=text, seen=size and tuple(size)), samples()[row], config(exports).prompt)
        )
        given = score(rows[row]["data_source"], text, rows[row]["reward_model"]["ground_truth"], info)
        assert given["score"] == expected
        assert set(given) == {"score", "accuracy", "format"}
        assert swift([text], [lines[row]["sample"]]) == [expected]
        assert trl(completions=[[{"role": "assistant", "content": text}]], sample=[lines[row]["sample"]]) == [expected]
        seen.add(expected)
    assert len(seen) >= 3


def test_group_rewards_see_their_group(tmp_path: Path) -> None:
    plain = config(tmp_path, rewards=[{"name": "accuracy"}, {"name": "mapo"}], scaling="none")
    with pytest.raises(InputError, match="'mapo' compares the replies of a group"):
        export_verl(HandOver.of(plain, tmp_path / "verl"), VerlSettings())
    with pytest.raises(InputError, match="'mapo' compares the replies of a group"):
        export_swift(HandOver.of(plain, tmp_path / "swift"), SwiftSettings())


def test_a_reward_of_the_users_own_travels(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from wherewise.rewards import Score\n"
        "def says_chair(completion, sample, prompt):\n"
        "    return Score(value=float('chair' in completion.text))\n"
    )
    plain = config(tmp_path, rewards=[{"name": f"{mine}:says_chair"}])
    export_verl(HandOver.of(plain, tmp_path / "verl"), VerlSettings())
    mine.unlink()
    row = pq.read_table(tmp_path / "verl" / "train.parquet").to_pylist()[0]
    score = verl_compute_score(tmp_path / "verl" / "rewards.json")
    assert score("x", "a chair", row["reward_model"]["ground_truth"], {}) == {"score": 1.0, "says_chair": 1.0}


def test_what_could_not_be_judged_is_no_zero(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from wherewise.rewards import Score\ndef down(completion, sample, prompt):\n"
        "    return Score(value=None, note='judge is down')\n"
    )
    plain = config(tmp_path, rewards=[{"name": f"{mine}:down"}])
    export_verl(HandOver.of(plain, tmp_path / "verl"), VerlSettings())
    row = pq.read_table(tmp_path / "verl" / "train.parquet").to_pylist()[0]
    truth = row["reward_model"]["ground_truth"]
    with pytest.raises(NotJudgedError, match=r"'p'.*judge is down"):
        verl_compute_score(tmp_path / "verl" / "rewards.json")("x", "a", truth, row["extra_info"])
    assert swift_reward(tmp_path / "verl" / "rewards.json")(["a", "b"], [truth, truth]) == [None, None]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loss_type": "bnpo"}, "loss_type: bnpo"),
        ({"advantage": "mapo"}, "advantage: mapo"),
        ({"beta": 0.1, "kl": "chi2"}, "kl: chi2"),
        ({"truncated": "mask"}, "truncated: mask"),
        ({"optim": {"name": "muon"}}, "optim.name: muon"),
        ({"optim": {"schedule": "wsd"}}, "optim.schedule: wsd"),
        ({"rewards": [{"name": "accuracy"}, {"name": "overlong", "params": {"limit": 64, "cache": 8}}]}, "overlong"),
    ],
)
def test_what_verl_cannot_do_is_refused_by_name(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        export_verl(HandOver.of(config(tmp_path, **changes), tmp_path / "verl"), VerlSettings())


def test_clips_of_several_rates_are_refused_for_swift(tmp_path: Path) -> None:
    from engine_toy import clip

    from wherewise.samples.store import write_dataset

    one = samples()[2]
    other = type(one)(**{f: getattr(one, f) for f in one.__dataclass_fields__} | {"id": "w", "media": (clip(24),)})
    write_dataset([one, other], tmp_path / "data")
    with pytest.raises(InputError, match=r"one frame rate a run.*frames/s \(w\)"):
        export_swift(HandOver.of(config(tmp_path), tmp_path / "swift"), SwiftSettings())


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        HandOver.of(config(tmp_path), tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


def test_a_marker_in_a_question_is_refused(tmp_path: Path) -> None:
    import dataclasses

    from wherewise.samples.store import write_dataset

    bad = dataclasses.replace(samples()[0], question="What does <image> show?")
    write_dataset([bad], tmp_path / "data")
    with pytest.raises(InputError, match=r"'p'.*<image>"):
        export_verl(HandOver.of(config(tmp_path), tmp_path / "verl"), VerlSettings())
