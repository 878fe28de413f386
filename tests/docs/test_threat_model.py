"""What docs/threat_model.md promises: no pickle from outside, no listener on a network, no key on disk."""

from __future__ import annotations

import ast
import io
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "wherewise"

PICKLES = {
    "models/shards.py": "tensors with weights_only=True; an index by a list of allowed classes",
    "workers/kept.py": "a run's own scratch; plain values and wherewise's own classes",
    "workers/ray_data.py": "between processes of one run, on the user's own cluster",
}
"""Files that know pickle, and what they read."""


NODES = [
    (path.relative_to(SOURCE).as_posix(), node)
    for path in sorted(SOURCE.rglob("*.py"))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
]
CALLS = [(file, ast.unparse(node.func), node) for file, node in NODES if isinstance(node, ast.Call)]
"""File, dotted name and node of every call in the package."""


def keyword(node: ast.Call, name: str) -> Any:
    return next((ast.unparse(k.value) for k in node.keywords if k.arg == name), None)


def test_nothing_unpickles_what_comes_from_outside() -> None:
    readers = {file for file, name, _ in CALLS if name in ("pickle.load", "pickle.loads", "pickle.Unpickler")}
    importers = {
        file
        for file, node in NODES
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if {alias.name.split(".")[0], (getattr(node, "module", "") or "").split(".")[0]}
        & {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    }
    assert importers <= set(PICKLES), "a room that unpickles needs a place in PICKLES and a reason"
    assert readers <= {"workers/ray_data.py"}, "the others read with an unpickler that knows its classes"
    for file, name, node in CALLS:
        if name == "torch.load":
            assert keyword(node, "weights_only") == "True", f"{file}: torch.load without weights_only=True"
        if name in ("np.load", "numpy.load"):
            assert keyword(node, "allow_pickle") in (None, "False"), f"{file}: np.load with pickles"
        if name == "yaml.load":
            assert keyword(node, "Loader") in ("CoreLoader", "yaml.SafeLoader"), f"{file}: yaml.load"
        assert name not in ("yaml.unsafe_load", "yaml.full_load", "eval", "exec", "os.system"), f"{file}: {name}"
        assert keyword(node, "shell") != "True", f"{file}: a shell"
        assert keyword(node, "trust_remote_code") in (None, "False"), f"{file}: code from a model's folder"


def test_models_are_loaded_from_safetensors_alone() -> None:
    loads = [node for file, name, node in CALLS if name.endswith("AutoModelForImageTextToText.from_pretrained")]
    assert loads
    for node in loads:
        assert keyword(node, "use_safetensors") == "True"


LISTENERS = {
    *("HTTPServer", "ThreadingHTTPServer", "TCPServer", "create_server", "start_server", "launch", "bind", "listen"),
    "uvicorn.run",
    "uvicorn.Config",
}
"""Calls that open a port, by their last word or whole."""


def test_listeners_bind_loopback() -> None:
    """Every listener says where, and the names that say so are loopback."""
    from wherewise.reports.chat_page import HOSTS
    from wherewise.reports.live import ADDRESS

    assert ADDRESS == HOSTS[0] == "127.0.0.1"
    for file, name, node in CALLS:
        if {name, name.rpartition(".")[2]} & LISTENERS:
            said = {ast.unparse(part) for part in ast.walk(node) if isinstance(part, ast.expr)}
            assert said & {"'127.0.0.1'", "ADDRESS", "HOSTS[0]", "address"}, f"{file}: {name} says not where it listens"
        if name == "_free_port":
            assert ast.unparse(node.args[0]) == "HOSTS[0]"
    for path in SOURCE.rglob("*.py"):
        assert '"0.0.0.0"' not in path.read_text(encoding="utf-8"), f"{path.name} names all interfaces"


def test_the_live_page_is_on_loopback(tmp_path: Path) -> None:
    from wherewise.reports.live import LiveServer

    server = LiveServer(tmp_path)
    try:
        assert server.server_address[0] == "127.0.0.1"
    finally:
        server.server_close()


def test_a_judge_is_served_on_loopback(capsys: pytest.CaptureFixture[str]) -> None:
    from wherewise.cli.main import run

    assert run(["judge", "serve-command", "some/model"]) == 0
    assert "--host 127.0.0.1" in capsys.readouterr().out


class Bomb:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """A file that a bomb would make; the test ends with a bomb that goes off, to know that it can."""
    place = tmp_path / "it-ran"
    yield place
    assert not place.exists(), "a pickle from outside was run"
    pickle.loads(pickle.dumps(Bomb(place)))
    assert place.exists()


def test_a_model_folder_with_a_pickle_is_refused(tmp_path: Path, mark: Path) -> None:
    torch = pytest.importorskip("torch")
    from wherewise.models.load import ModelLoadError, load_model, save_model
    from wherewise.models.tiny import build_tiny

    folder = save_model(*build_tiny("qwen3_vl", hidden_size=32, layers=1, vision_hidden_size=32), tmp_path / "model")
    (folder / "model.safetensors").unlink()
    torch.save({"weight": Bomb(mark)}, folder / "pytorch_model.bin")
    with pytest.raises(ModelLoadError, match="safetensors"):
        load_model(folder)
    torch.save({"weight": torch.zeros(2)}, folder / "pytorch_model.bin")
    with pytest.raises(ModelLoadError, match="safetensors"):
        load_model(folder)


def test_an_adapter_that_is_a_pickle_is_refused(tmp_path: Path, mark: Path) -> None:
    torch = pytest.importorskip("torch")
    from wherewise.models.load import ModelLoadError
    from wherewise.models.lora import load_adapter

    (tmp_path / "adapter_config.json").write_text("{}")
    torch.save({"weight": Bomb(mark)}, tmp_path / "adapter_model.bin")
    with pytest.raises(ModelLoadError, match=r"adapter_model\.safetensors"):
        load_adapter(torch.nn.Linear(2, 2), tmp_path)


def test_shards_with_more_than_tensors_are_refused(tmp_path: Path, mark: Path) -> None:
    torch = pytest.importorskip("torch")
    from wherewise.models.load import ModelLoadError
    from wherewise.models.shards import read_shards

    verl = tmp_path / "verl"
    verl.mkdir()
    torch.save({"weight": Bomb(mark)}, verl / "model_world_size_1_rank_0.pt")
    with pytest.raises(ModelLoadError, match="something other than tensors"):
        read_shards(verl)
    distributed = tmp_path / "distributed"
    distributed.mkdir()
    (distributed / ".metadata").write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(ModelLoadError):
        read_shards(distributed)


def test_arrays_of_objects_are_refused(tmp_path: Path, mark: Path) -> None:
    from wherewise.samples.errors import DatasetError
    from wherewise.scenes.arrays import load_arrays
    from wherewise.scenes.simulate.sidecar import read_sidecar

    bombs = np.array([[Bomb(mark)]], dtype=object)
    np.save(tmp_path / "depth.npy", bombs, allow_pickle=True)
    with pytest.raises(DatasetError):
        load_arrays(tmp_path / "depth.npy")
    buffer = io.BytesIO()
    np.savez(buffer, depth=bombs, ids=bombs)
    with pytest.raises(DatasetError):
        read_sidecar(buffer.getvalue())


def test_scratch_of_another_hand_is_refused(tmp_path: Path, mark: Path) -> None:
    from wherewise.workers.kept import read_kept, write_kept

    write_kept(tmp_path / "000000.part", pickle.dumps(Bomb(mark)))
    with pytest.raises(pickle.UnpicklingError):
        read_kept(tmp_path / "000000.part")


def test_yaml_makes_no_objects(tmp_path: Path, mark: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from wherewise.cli.main import run

    config = tmp_path / "run.yaml"
    config.write_text(
        f"out: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{mark}']]\n"
    )
    assert run(["data", "simulate", str(config)]) == 2
    assert "run.yaml:1:" in capsys.readouterr().err
