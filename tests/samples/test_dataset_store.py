"""Datasets on disk: whole or not at all, the same bytes for the same samples."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import wherewise
from wherewise.samples import (
    Boolean,
    DatasetError,
    Image,
    Number,
    Sample,
    read_dataset,
    read_manifest,
    to_record,
    write_dataset,
)


def make(i: int, *, split: str = "train", data: bytes | None = None) -> Sample:
    return Sample(
        id=f"s{i}",
        media=(Image(path=f"{i}.png") if data is None else Image(data=data),),
        question=f"How many {i}?",
        answer=Number(value=i) if i % 2 else Boolean(value=True),
        task="count" if i % 2 else "exist",
        group=f"g{i}",
        split=split,
        facts={"i": i},
    )


def many(count: int) -> list[Sample]:
    return [make(i, split="test" if i % 5 == 0 else "train", data=bytes([i % 256]) * 50) for i in range(count)]


def test_written_is_read(tmp_path: Path) -> None:
    samples = many(300)
    manifest = write_dataset(samples, tmp_path, generator={"scenes": 3}, rejections={"too close": 7}, shard_rows=100)
    assert [s.file for s in manifest.shards] == [
        "test-00000-of-00001.parquet",
        "train-00000-of-00003.parquet",
        "train-00001-of-00003.parquet",
        "train-00002-of-00003.parquet",
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["manifest.json", *(s.file for s in manifest.shards)]
    assert manifest == read_manifest(tmp_path)
    assert manifest.rows == 300
    assert manifest.counts == {"test": {"count": 30, "exist": 30}, "train": {"count": 120, "exist": 120}}
    assert (manifest.generator, manifest.rejections) == ({"scenes": 3}, {"too close": 7})
    assert manifest.wherewise == wherewise.__version__
    read = list(read_dataset(tmp_path, verify=True))
    assert read == [s for s in samples if s.split == "test"] + [s for s in samples if s.split == "train"]
    assert list(read_dataset(tmp_path, splits=["train"], limit=130)) == [s for s in samples if s.split == "train"][:130]


def test_same_samples_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_dataset(iter(many(200)), tmp_path / name, generator={"b": 1, "a": 2}, shard_rows=70)
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert files == sorted(p.name for p in (tmp_path / "b").iterdir())
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_row_groups_are_small_and_fixed(tmp_path: Path) -> None:
    write_dataset((make(i) for i in range(200)), tmp_path, shard_rows=150)
    metadata = pq.read_metadata(tmp_path / "train-00000-of-00002.parquet")
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [64, 64, 22]


def test_writing_holds_few_samples_in_memory(tmp_path: Path) -> None:
    """A generator of 64 MB of pictures must not make the writer keep them all."""
    import tracemalloc

    tracemalloc.start()
    write_dataset((make(i, data=os.urandom(128_000)) for i in range(512)), tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32e6


def test_rejections_may_be_counted_while_writing(tmp_path: Path) -> None:
    rejected: Counter[str] = Counter()

    def generate() -> Iterator[Sample]:
        for i in range(4):
            rejected["too close"] += 1
            yield make(i)

    assert write_dataset(generate(), tmp_path, rejections=rejected).rejections == {"too close": 4}


def test_empty_dataset_is_refused_with_its_reasons(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no samples to write; .* rejected: too close x9.*Fix: ask for"):
        write_dataset([], tmp_path, rejections={"too close": 9})
    assert list(tmp_path.iterdir()) == []


def test_repeated_ids_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"sample 's1': id: the id is taken"):
        write_dataset([make(1), make(2), make(1)], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_split_names_cannot_be_paths(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"sample 's1': split: '../x' cannot name a split"):
        write_dataset([make(1, split="../x")], tmp_path / "d")


def test_a_dataset_is_replaced_only_on_request(tmp_path: Path) -> None:
    write_dataset(many(20), tmp_path, shard_rows=4)
    with pytest.raises(DatasetError, match=r"a dataset stands here already.*overwrite=True"):
        write_dataset([make(1)], tmp_path)
    assert len(list(read_dataset(tmp_path))) == 20
    (tmp_path / "picture.png").write_bytes(b"x")
    write_dataset([make(1)], tmp_path, overwrite=True)
    assert list(read_dataset(tmp_path)) == [make(1)]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "manifest.json",
        "picture.png",
        "train-00000-of-00001.parquet",
    ]


def test_a_failed_replacement_leaves_the_old_dataset(tmp_path: Path) -> None:
    write_dataset(many(20), tmp_path)
    with pytest.raises(DatasetError):
        write_dataset([make(1), make(1)], tmp_path, overwrite=True)
    assert len(list(read_dataset(tmp_path, verify=True))) == 20


KILLED = """
import os, signal, sys
from pathlib import Path
from wherewise.samples import Boolean, Image, Sample, write_dataset

stage, count = sys.argv[2], int(sys.argv[3])

def die_at(name, nth):
    real, calls = getattr(os, name), []
    def call(*args):
        calls.append(1)
        if len(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args)
    setattr(os, name, call)

def samples():
    for i in range(300):
        if stage == "sample" and i == count:
            os.kill(os.getpid(), signal.SIGKILL)
        picture, answer = Image(path="a.png"), Boolean(value=True)
        yield Sample(id=str(i), media=(picture,), question="q", answer=answer, task="t", group="g")

if stage != "sample":
    die_at(stage, count)
write_dataset(samples(), Path(sys.argv[1]), shard_rows=100)
"""


# 3 shards: 3 fsyncs of drafts, 1 of the folder; 3 renames, fsync of the folder; fsync and rename of the manifest.
@pytest.mark.parametrize(
    ("stage", "count"), [("sample", 250), ("fsync", 2), ("replace", 1), ("replace", 3), ("replace", 4), ("fsync", 6)]
)
def test_killed_in_the_middle_leaves_no_dataset(tmp_path: Path, stage: str, count: int) -> None:
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), stage, str(count)]
    environment = os.environ | {"PYTHONPATH": str(Path(wherewise.__file__).parents[1])}
    result = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert result.returncode == -signal.SIGKILL, result.stderr.decode()
    assert list(tmp_path.iterdir())
    with pytest.raises(DatasetError, match=r"writing it was cut short.*Fix: run the command that makes it again"):
        read_dataset(tmp_path)
    write_dataset(many(10), tmp_path)
    assert len(list(read_dataset(tmp_path, verify=True))) == 10
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "manifest.json",
        "test-00000-of-00001.parquet",
        "train-00000-of-00001.parquet",
    ]


def test_missing_folder_and_strange_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such dataset folder"):
        read_dataset(tmp_path / "no")
    with pytest.raises(DatasetError, match=r"not a dataset: there is no manifest\.json\. Fix: point at a folder"):
        read_dataset(tmp_path)


def edit_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_manifest_is_checked(tmp_path: Path) -> None:
    write_dataset([make(1)], tmp_path)
    shard = json.loads((tmp_path / "manifest.json").read_text())["shards"][0]
    whole = (tmp_path / "manifest.json").read_text()
    for changes, message in (
        ({"schema_version": 99}, r"schema version 99 is newer than 1.*upgrade wherewise"),
        ({"counts": {"train": {"count": 5}}}, "counts do not add up"),
        ({"shards": [shard | {"file": "../../etc/passwd"}]}, "is not a shard's name"),
        ({"shards": [shard | {"rows": "1"}]}, r"manifest.shards\[0\].rows: expected an integer"),
    ):
        edit_manifest(tmp_path, **changes)
        with pytest.raises(DatasetError, match=message):
            read_manifest(tmp_path)
        (tmp_path / "manifest.json").write_text(whole)
    (tmp_path / "manifest.json").write_text(whole[:40])
    with pytest.raises(DatasetError, match=r"manifest.json: not valid JSON"):
        read_manifest(tmp_path)


def test_damaged_shards_are_told_apart(tmp_path: Path) -> None:
    manifest = write_dataset((make(i) for i in range(50)), tmp_path)
    path = tmp_path / manifest.shards[0].file
    whole = path.read_bytes()

    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match=rf"{path.name}: the shard is truncated: \d+ bytes instead of {len(whole)}"):
        read_dataset(tmp_path)

    changed = bytearray(whole)
    changed[len(whole) // 3] ^= 0xFF
    path.write_bytes(changed)
    with pytest.raises(DatasetError, match=rf"{path.name}: the shard was changed: sha256"):
        read_dataset(tmp_path, verify=True)

    path.write_bytes(b"PAR1" + bytes(len(whole) - 4))
    with pytest.raises(DatasetError, match=rf"{path.name}: the shard is damaged"):
        list(read_dataset(tmp_path))

    path.unlink()
    with pytest.raises(DatasetError, match=rf"{path.name}: the shard is missing"):
        read_dataset(tmp_path)


def test_row_count_is_compared(tmp_path: Path) -> None:
    manifest = write_dataset((make(i) for i in range(4)), tmp_path)
    shard = json.loads((tmp_path / "manifest.json").read_text())["shards"][0]
    edit_manifest(tmp_path, shards=[shard | {"rows": 5}], counts={"train": {"count": 5}})
    with pytest.raises(DatasetError, match="holds 4 rows, the manifest says 5"):
        list(read_dataset(tmp_path))
    assert manifest.rows == 4


def test_unknown_split_and_bad_limit(tmp_path: Path) -> None:
    write_dataset([make(1), make(2, split="test")], tmp_path)
    with pytest.raises(DatasetError, match=r"there is no split 'val'\. Fix: choose among test, train"):
        read_dataset(tmp_path, splits=["val"])
    with pytest.raises(DatasetError, match="limit is 0"):
        read_dataset(tmp_path, limit=0)


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    lines = [json.dumps({k: v for k, v in to_record(make(i)).items() if k != "media_bytes"}) for i in (1, 2, 3)]
    path.write_text("\n\n".join(lines) + "\n")
    assert list(read_dataset(path)) == [make(1), make(2), make(3)]
    assert list(read_dataset(path, limit=2)) == [make(1), make(2)]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ('{"id": ', r"mine.jsonl:2: not valid JSON"),
        ("[1]", r"mine.jsonl:2: not a JSON object"),
        ('{"id": "x"}', r"mine.jsonl:2: sample 'x': task: the field is missing"),
        ("same", r"mine.jsonl:2: sample 's1': id: the id is taken by line 1"),
    ],
)
def test_json_lines_errors_name_the_line(tmp_path: Path, second: str, message: str) -> None:
    first = json.dumps({k: v for k, v in to_record(make(1)).items() if k != "media_bytes"})
    (tmp_path / "mine.jsonl").write_text(first + "\n" + second.replace("same", first))
    with pytest.raises(DatasetError, match=message):
        list(read_dataset(tmp_path / "mine.jsonl"))


def test_empty_json_lines(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text("\n")
    with pytest.raises(DatasetError, match="the dataset has no samples"):
        list(read_dataset(tmp_path / "mine.jsonl"))
    with pytest.raises(DatasetError, match="there is no such file"):
        read_dataset(tmp_path / "other.jsonl")


def test_contract_alone_loads_no_pyarrow() -> None:
    code = "import sys, wherewise.samples; print('pyarrow' in sys.modules or 'torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(Path(wherewise.__file__).parents[1])}
    out = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True, text=True
    ).stdout
    assert out.strip() == "False"
