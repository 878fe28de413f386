"""The shipped starter behind real servers: vLLM and ``transformers serve`` answer as it does in this process.

Each server runs in the environment that ``WHEREWISE_VLLM_PYTHON`` names (docs/rollouts.md). Takes minutes.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from evaluation_builders import BLINK_DATA, choice_sample

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from engine_servers import CPU, MISSING, PYTHON, SMALL, ServerProcess, free_port

from wherewise.cli.main import Verb, run
from wherewise.evaluation.records import Prediction, read_predictions
from wherewise.media.video import encode_video
from wherewise.samples import Sample, Video
from wherewise.samples.store import write_dataset

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.skipif(not PYTHON, reason=MISSING)]

VERBS = {"eval run": Verb("wherewise.cli.evaluate:run", "Run.")}


@pytest.fixture(scope="module")
def starter() -> Path:
    from wherewise.models.load import starter_folder

    return starter_folder()


@pytest.fixture(scope="module")
def vllm(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of the starter behind vLLM."""
    port = free_port()
    words = ["-m", "vllm.entrypoints.openai.api_server", "--model", str(starter), "--served-model-name", "starter"]
    words += ["--dtype", "float32", "--host", "127.0.0.1", "--port", str(port), *SMALL]
    words += ["--limit-mm-per-prompt", json.dumps({"image": 16, "video": 1})]
    log = tmp_path_factory.mktemp("vllm") / "log.txt"
    with ServerProcess(command=[PYTHON, *words], url=f"http://127.0.0.1:{port}", log=log, environment=CPU) as server:
        yield f"{server.url}/v1"


@pytest.fixture(scope="module")
def transformers_serve(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of the starter behind ``transformers serve``."""
    port = free_port()
    words = ["serve", str(starter), "--device", "cpu", "--dtype", "float32", "--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path_factory.mktemp("serve") / "log.txt"
    command = [str(Path(PYTHON).with_name("transformers")), *words]
    with ServerProcess(command=command, url=f"http://127.0.0.1:{port}", log=log, environment=CPU) as server:
        yield f"{server.url}/v1"


def replies(out: Path, benchmark: str, data: Path, model: str, *words: object) -> dict[str, Prediction]:
    """Predictions of ``wherewise eval run``, by sample."""
    line = ["eval", "run", benchmark, "--data", data, "--out", out, "--model", model, "-q", "--max-new-tokens", 24]
    assert run([str(word) for word in (*line, *words)], verbs=VERBS) == 0
    found = {prediction.id: prediction for prediction in read_predictions(out / "predictions.jsonl")}
    assert not [prediction for prediction in found.values() if prediction.error]
    return found


def agreement(one: dict[str, Prediction], two: dict[str, Prediction]) -> list[str]:
    """Ids of samples whose replies differ."""
    assert one.keys() == two.keys()
    return [name for name in one if one[name].reply != two[name].reply]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of eight frames, two a second: no provider needs to choose among them."""
    folder = tmp_path_factory.mktemp("clips")
    samples: list[Sample] = []
    for i in range(8):
        rng = np.random.default_rng(i)
        frames = np.full((8, 96, 128, 3), rng.integers(40, 216, 3), dtype=np.uint8)
        for t in range(8):
            frames[t, 32:64, 12 * t : 12 * t + 32] = rng.integers(0, 255, 3)
        (folder / f"{i}.mp4").write_bytes(encode_video(frames, 2.0))
        clip = Video(path=f"{i}.mp4", fps=2.0, duration=4.0, width=128, height=96)
        samples.append(dataclasses.replace(choice_sample(f"clip-{i}"), media=(clip,)))
    write_dataset(samples, folder)
    return folder


def test_pictures(
    starter: Path, vllm: str, transformers_serve: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not BLINK_DATA.is_dir():
        pytest.skip("the BLINK records are not here (shared/data/blink)")
    few = ("--limit", 28)
    own = replies(tmp_path / "hf", "blink", BLINK_DATA, "starter", *few)
    found = {
        name: replies(tmp_path / name, "blink", BLINK_DATA, f"openai:{model}", "--base-url", url, "--no-cache", *few)
        for name, model, url in (("vllm", "starter", vllm), ("serve", str(starter), transformers_serve))
    }
    differing = {name: agreement(own, theirs) for name, theirs in found.items()}
    with capsys.disabled():
        print(f"\n{len(own)} questions with pictures; replies other than the model's own: {differing}")
        for name, ids in differing.items():
            for one in ids:
                print(f"  {one}: {own[one].reply!r} here, {found[name][one].reply!r} by {name}")
    assert len({prediction.reply for prediction in own.values()}) > 5
    assert differing == {"vllm": [], "serve": []}


def test_clips(
    starter: Path, vllm: str, transformers_serve: str, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a file to vLLM: the model's own prompt. As frames to both: a prompt of pictures, the same one for both."""
    own = replies(tmp_path / "hf", "dataset", clips, "starter", "--frames", 8)
    file = replies(
        tmp_path / "file", "dataset", clips, "openai:starter", "--base-url", vllm, "--no-cache", "--clips", "file"
    )
    frames = {
        name: replies(
            tmp_path / name, "dataset", clips, f"openai:{model}", "--base-url", url, "--no-cache", "--frames", 8
        )
        for name, model, url in (("vllm", "starter", vllm), ("serve", str(starter), transformers_serve))
    }
    with capsys.disabled():
        print(f"\n{len(own)} questions with clips; other replies, file to vLLM: {agreement(own, file)};")
        print(f"  frames, vLLM against transformers serve: {agreement(frames['vllm'], frames['serve'])};")
        print(f"  frames against the clip itself: {agreement(own, frames['vllm'])}")
    assert agreement(own, file) == []
    assert agreement(frames["vllm"], frames["serve"]) == []
