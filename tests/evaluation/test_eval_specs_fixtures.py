"""Every benchmark on rows in its own schema: load, wording, reading, score of a reply, formula; worked by hand."""

from __future__ import annotations

import base64
import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evaluation_builders import BLINK_DATA, choice_sample, png

from wherewise.answers.styles import PromptStyle
from wherewise.evaluation.load import Benchmark, load_benchmark
from wherewise.evaluation.metrics import Summary, summarize
from wherewise.evaluation.protocol import EvalConfig, prompt_text
from wherewise.evaluation.providers import Reply
from wherewise.evaluation.records import Prediction, prediction_from_json
from wherewise.evaluation.scoring import check_scorable, rescore, score_reply
from wherewise.evaluation.specs import BENCHMARKS, get_benchmark
from wherewise.samples import Boolean, Choice, Image, Number, Point, Sample, Text
from wherewise.samples.errors import InputError
from wherewise.samples.store import write_dataset

DATA = BLINK_DATA.parent
CASES: dict[str, Any] = {
    name: case
    for file in ("benchmarks.json", "more_benchmarks.json")
    for name, case in json.loads((Path(__file__).parent / "fixtures" / file).read_text(encoding="utf-8")).items()
}


def with_pictures(value: Any, seed: list[int]) -> Any:
    """A fixture row with ``<picture>`` replaced by the bytes of a small picture, as the hub's rows hold them."""
    if value == "<picture>":
        seed[0] += 1
        return {"bytes": png((seed[0] % 256, 9, 9)), "path": "picture.png"}
    if value == "<base64>":
        return base64.b64encode(png()).decode()
    if isinstance(value, list):
        return [with_pictures(item, seed) for item in value]
    return value


def write_rows(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    """Rows as the file of this name: Parquet, JSON lines, CSV or TSV by its ending."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = [0]
    rows = [{key: with_pictures(value, seed) for key, value in row.items()} for row in rows]
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def load_case(name: str, folder: Path) -> Benchmark:
    case = CASES[name]
    write_rows(folder, case["file"], case["rows"])
    for extra in case.get("media", []):
        (folder / extra).parent.mkdir(parents=True, exist_ok=True)
        (folder / extra).write_bytes(png())
    for extra, text in case.get("texts", {}).items():
        (folder / extra).parent.mkdir(parents=True, exist_ok=True)
        (folder / extra).write_text(text, encoding="utf-8")
    return load_benchmark(get_benchmark(name), folder)


def answer_all(loaded: Benchmark, replies: list[str]) -> list[Prediction]:
    assert len(replies) == len(loaded.samples)
    return [
        score_reply(sample, Reply(text=reply, tokens=1), PromptStyle.DIRECT)
        for sample, reply in zip(loaded.samples, replies, strict=True)
    ]


def short(sample: Sample) -> Any:
    """The gold answer as the fixture writes it."""
    match sample.answer:
        case Choice():
            return [sample.answer.letter, sample.answer.text]
        case Number() | Text() | Boolean():
            return sample.answer.value
        case Point():
            return [round(value, 3) for value in sample.answer.xy]
        case _:
            raise AssertionError(sample.answer)


@pytest.mark.parametrize("name", sorted(CASES))
def test_rows_in_the_official_schema_from_file_to_score(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    loaded = load_case(name, tmp_path)
    check_scorable(loaded.samples)
    assert [short(sample) for sample in loaded.samples] == case["gold"]
    assert prompt_text(loaded.samples[0], EvalConfig()) == case["prompt"]
    predictions = answer_all(loaded, case["replies"])
    assert [p.score for p in predictions] == pytest.approx(case["scores"])
    summary = summarize(predictions)
    for formula, value in case["summary"].items():
        measured = {
            "micro": summary.micro.estimate.score,
            "macro": summary.macro.estimate.score,
            "chance": summary.micro.chance,
        }.get(formula)
        if measured is None and formula in summary.formulas:
            measured = summary.formulas[formula].value
        assert measured == pytest.approx(value), formula
    for formula, parts in case.get("parts", {}).items():
        assert summary.formulas[formula].parts == pytest.approx(parts)


@pytest.mark.parametrize("name", sorted(CASES))
def test_lines_of_predictions_score_the_same_when_read_back(name: str, tmp_path: Path) -> None:
    predictions = answer_all(load_case(name, tmp_path), CASES[name]["replies"])
    again = [prediction_from_json(p.to_json(), where="test") for p in predictions]
    rescored = [rescore(p, PromptStyle.DIRECT) for p in again]
    assert [p.score for p in rescored] == [p.score for p in predictions]
    assert summarize(rescored).formulas == summarize(predictions).formulas


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_short_copy_says_so(name: str, tmp_path: Path) -> None:
    loaded = load_case(name, tmp_path)
    counts = get_benchmark(name).subsets
    notes = " ".join(loaded.notes)
    assert ("expected" in notes or "subsets are not in the folder" in notes) == bool(counts)


SAME_SCHEMA = {"vsi-bench-debiased": "vsi-bench", "nextqa": "nextqa-val", "vsr-random": "vsr-zeroshot"}
OWN_FORMAT = {"dataset", "simulated"}
"""Benchmarks that are dataset folders of wherewise."""


def test_every_benchmark_has_fixture_rows() -> None:
    assert set(CASES) | set(SAME_SCHEMA) | OWN_FORMAT == set(BENCHMARKS)
    assert all(len(case["rows"]) > 0 and case["summary"] for case in CASES.values())


@pytest.mark.parametrize("name", sorted(SAME_SCHEMA))
def test_specs_that_share_a_schema(name: str, tmp_path: Path) -> None:
    spec, case = get_benchmark(name), CASES[SAME_SCHEMA[name]]
    write_rows(tmp_path, spec.patterns[0].replace("*", "00000-of-00001"), case["rows"])
    for extra in case.get("media", []):
        (tmp_path / extra).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / extra).write_bytes(png())
    loaded = load_benchmark(spec, tmp_path)
    assert [short(sample) for sample in loaded.samples] == case["gold"]
    assert {sample.source for sample in loaded.samples} == {name}
    assert prompt_text(loaded.samples[0], EvalConfig()) == case["prompt"]
    predictions = answer_all(loaded, case["replies"])
    assert [p.score for p in predictions] == pytest.approx(case["scores"])
    summary = summarize(predictions)
    measured = {"micro": summary.micro.estimate.score, "macro": summary.macro.estimate.score}
    measured |= {formula: found.value for formula, found in summary.formulas.items()}
    measured["chance"] = summary.micro.chance
    assert {formula: measured[formula] for formula in case["summary"]} == pytest.approx(case["summary"])


@pytest.mark.parametrize("name", sorted(OWN_FORMAT))
def test_dataset_folders_of_wherewise(name: str, tmp_path: Path) -> None:
    samples = [choice_sample("a", gold="A"), choice_sample("b", gold="B"), choice_sample("c", gold="A")]
    write_dataset(samples, tmp_path)
    loaded = load_benchmark(get_benchmark(name), tmp_path)
    assert sorted(sample.id for sample in loaded.samples) == ["a", "b", "c"]
    assert prompt_text(loaded.samples[0], EvalConfig()).startswith(loaded.samples[0].question)
    predictions = answer_all(loaded, ["A"] * 3)
    summary = summarize(predictions)
    assert sum(p.score for p in predictions) == 2
    assert summary.micro.estimate.score == pytest.approx(2 / 3)
    assert summary.micro.chance == pytest.approx(1 / len(loaded.samples[0].options))


def test_a_failed_or_silent_reply_counts_as_wrong(tmp_path: Path) -> None:
    loaded = load_case("robospatial-home", tmp_path)
    failed = [score_reply(s, Reply(text="", error="down"), PromptStyle.DIRECT) for s in loaded.samples]
    silent = answer_all(loaded, [""] * len(loaded.samples))
    for predictions in (failed, silent):
        assert [p.score for p in predictions] == [0.0] * len(loaded.samples)
    assert all(p.abstained for p in silent)


def test_nextqa_validation_by_type_equals_a_hand_count() -> None:
    file = DATA / "nextqa" / "val.csv"
    if not file.is_file():
        pytest.skip("the NExT-QA records are not beside the repository")
    loaded = load_benchmark(get_benchmark("nextqa-val"), file.parent)
    assert len(loaded.samples) == 4996
    assert not [note for note in loaded.notes if "expected" in note]
    # Always answering B is right where the answer column says 1: counted here from the file alone.
    with file.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    summary = summarize(answer_all(loaded, ["B"] * len(rows)))
    measured = summary.formulas["nextqa_types"]
    right = [row["answer"] == "1" for row in rows]
    assert measured.value == pytest.approx(sum(right) / 4996)
    for kind in "CTD":
        chosen = [hit for hit, row in zip(right, rows, strict=True) if row["type"].startswith(kind)]
        assert measured.parts[f"Acc_{kind}"] == pytest.approx(sum(chosen) / len(chosen))
    assert summary.tasks["TP"].estimate.n == 54
    assert "TP" not in measured.parts


def test_nlvr_development_split() -> None:
    folder = DATA / "nlvr"
    if not folder.is_dir():
        pytest.skip("the NLVR records are not beside the repository")
    loaded = load_benchmark(get_benchmark("nlvr-dev"), folder)
    assert len(loaded.samples) == 989
    assert loaded.notes == ()
    assert {sample.media[0].path for sample in loaded.samples if sample.id == "1572-0"} == {"images/dev-1572-0-0.png"}


def test_mmvp_uses_the_corrected_gold(tmp_path: Path) -> None:
    rows = [{**CASES["mmvp"]["rows"][0], "Index": index, "Correct Answer": "(a)"} for index in (98, 99)]
    loaded = load_benchmark(get_benchmark("mmvp"), write_rows(tmp_path, "data/train-00000-of-00001.parquet", rows))
    assert [sample.answer.letter for sample in loaded.samples if isinstance(sample.answer, Choice)] == ["A", "B"]


def test_repeated_options_are_told_apart(tmp_path: Path) -> None:
    row = {**CASES["nextqa-val"]["rows"][0], "a1": "cap", "a4": "cap", "answer": 4}
    loaded = load_benchmark(get_benchmark("nextqa-val"), write_rows(tmp_path, "val.csv", [row]))
    (sample,) = loaded.samples
    assert sample.options[1::3] == ("cap", "cap (again)")
    assert sample.answer == Choice(letter="E", text="cap (again)")
    assert "(again)" not in sample.facts["prompt"]


def test_another_wording_and_an_unknown_one(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, CASES["vsi-bench"]["file"], CASES["vsi-bench"]["rows"])
    spec = get_benchmark("vsi-bench")
    wordings = [load_benchmark(spec, folder, variant=v).samples[0].facts["prompt"] for v in ("official", "api")]
    assert wordings[0].endswith("Please answer the question using a single word or phrase.")
    assert wordings[1].endswith("Do not response anything other than a single number!")
    with pytest.raises(InputError, match="no wording 'mine'; known: api, official"):
        load_benchmark(spec, folder, variant="mine")


def test_clips_that_are_not_there_are_noted_and_archives_named(tmp_path: Path) -> None:
    (tmp_path / "scannet.zip").write_bytes(b"PK")
    loaded = load_case("vsi-bench", tmp_path)
    assert any("1 of 1 clips are not in the folder" in n and "unpack scannet.zip" in n for n in loaded.notes)


def test_subsets_by_column(tmp_path: Path) -> None:
    load_case("cv-bench", tmp_path)
    loaded = load_benchmark(get_benchmark("cv-bench"), tmp_path, subsets=["Depth"])
    assert {sample.task for sample in loaded.samples} == {"Depth"}
    summary: Summary = summarize(answer_all(loaded, ["A"] * len(loaded.samples)))
    assert summary.formulas["cv_bench"].value is None
    assert summary.formulas["cv_bench"].missing == ("ADE20K", "COCO")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("cv-bench", {"answer": "(F)"}, "none of the 2 options"),
        ("3dsrbench", {"B": "nan", "answer": "B"}, "none of the 1 options"),
        ("nextqa-val", {"answer": 7}, "none of the 5 options"),
        ("spar-bench", {"task": "tea_making"}, "has no task 'tea_making'"),
        ("vsi-bench", {"scene_name": None}, "no column 'scene_name'"),
        ("mmvp", {"Options": "Open or closed"}, "no lettered options"),
        ("spatialreasoner-eval", {"choices": "[left, right"}, "neither JSON nor a Python literal"),
    ],
)
def test_a_damaged_row_names_its_place(name: str, change: dict[str, Any], message: str, tmp_path: Path) -> None:
    case = CASES[name]
    folder = write_rows(tmp_path, case["file"], [{**case["rows"][0], **change}])
    with pytest.raises(InputError, match=f"row 0.*{message}"):
        load_benchmark(get_benchmark(name), folder)


def test_pictures_as_base64_and_as_files(tmp_path: Path) -> None:
    rows = [{**CASES["3dsrbench"]["rows"][0], "image": "<base64>"}]
    tsv = load_benchmark(get_benchmark("3dsrbench"), write_rows(tmp_path, "3dsrbench_circular.tsv", rows))
    assert tsv.samples[0].media == (Image(data=png()),)
    loaded = load_case("records", tmp_path / "own")
    assert loaded.samples[0].media == (Image(path="pictures/one.png"),)
