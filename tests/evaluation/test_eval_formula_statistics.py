"""Intervals and tests of official formulas, over the units that the formulas are formed of."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_builders import choice_sample, predict

from wherewise.evaluation.compare import compare_runs
from wherewise.evaluation.formula_statistics import (
    formula_estimate,
    formula_mcnemar,
    formula_paired,
    formula_value,
)
from wherewise.evaluation.metrics import measure, summarize
from wherewise.evaluation.metrics_aggregates import SPAR_LEVELS, VSI_DIRECTIONS, VSI_TASKS
from wherewise.evaluation.metrics_formulas import AGGREGATES
from wherewise.evaluation.metrics_legacy import FORMULAS
from wherewise.evaluation.metrics_terms import TERMS, Term
from wherewise.evaluation.records import Prediction
from wherewise.evaluation.statistics import paired_bootstrap


def tagged(prediction: Prediction, **tags: Any) -> Prediction:
    return dataclasses.replace(prediction, tags=tags)


def answers(rng: np.random.Generator, formula: str, count: int = 120) -> list[Prediction]:
    """Right and wrong replies to questions that carry whatever the formulas group by."""
    tasks = ["Count", "Relation", "Depth", "Distance"]
    if formula == "vsi_mean_of_8":
        tasks = [name for name in VSI_TASKS if name != "object_rel_direction"] + list(VSI_DIRECTIONS)
    if formula == "spar_levels":
        tasks = [task for names in SPAR_LEVELS.values() for task in names]
    rows = []
    for i in range(count):
        sample = choice_sample(f"q{i:03}", gold="A", task=tasks[i % len(tasks)], group=f"g{i // 3}")
        prediction = predict(sample, "A" if rng.random() < 0.6 else "B")
        tags = {
            "source": ("ADE20K", "COCO", "Omni3D")[i % 3],
            "qid": f"{i // 4:08}" + ("-flip" if i % 4 > 1 else "") + (f"-{i % 2}" if i % 2 else ""),
            "index": str(i + 1),
            "category": "VS" if i % 5 == 0 else "VD",
            "subcategory": "map",
            "set_id": str(i // 12),
            "figure_id": str(i % 3),
            "question_id": str(i // 3),
        }
        tags |= {name: "x" for name in ("data_source", "duration", "data_type", "dim", "field", "l2_category", "scene")}
        for name in AGGREGATES:
            tags.setdefault(name.removeprefix("by_"), "x")
        rows.append(dataclasses.replace(prediction, tags=tags))
    return rows


@pytest.mark.parametrize("name", sorted(TERMS))
def test_terms_form_the_formula(name: str) -> None:
    rows = answers(np.random.default_rng(3), name)
    measured = FORMULAS[name].compute(rows)
    assert measured.value is not None
    assert formula_value(TERMS[name](rows)) == pytest.approx(measured.value)
    whole = measure(name, rows)
    assert whole.low is not None
    assert whole.high is not None
    assert whole.low < measured.value < whole.high
    assert whole.clusters > 1


def test_only_legacy_formulas_have_no_interval() -> None:
    assert set(FORMULAS) - set(TERMS) == {name for name in FORMULAS if name.startswith("legacy")}


def test_units_that_share_a_picture_share_a_cluster() -> None:
    # Pairs (1, 2) and (3, 4); questions 2 and 3 show one picture, so there is one cluster.
    groups = {1: "a", 2: "b", 3: "b", 4: "c", 5: "d", 6: "e"}
    rows = [tagged(predict(choice_sample(str(i), group=group), "A"), index=str(i)) for i, group in groups.items()]
    clusters = [term.cluster for term in TERMS["pair_accuracy"](rows)]
    assert clusters == ["a", "a", "d"]


def test_an_estimate_by_hand() -> None:
    # Stratum x: 1, 0 (mean .5); stratum y: 1 (mean 1); shares one half: .75. Residuals .125, -.125, 0, so the
    # standard error with 3 clusters is sqrt(.03125 * 3 / 2).
    terms = [
        Term(unit="1", value=1.0, cluster="a", stratum="x", share=0.5),
        Term(unit="2", value=0.0, cluster="b", stratum="x", share=0.5),
        Term(unit="3", value=1.0, cluster="c", stratum="y", share=0.5),
    ]
    estimate = formula_estimate(terms)
    assert estimate.value == 0.75
    assert estimate.standard_error == pytest.approx((0.03125 * 1.5) ** 0.5)
    assert (estimate.units, estimate.clusters) == (3, 3)


def test_all_right_does_not_collapse() -> None:
    terms = [Term(unit=str(i), value=1.0, cluster=str(i)) for i in range(20)]
    estimate = formula_estimate(terms)
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert 0.8 < estimate.low < 0.9


def test_plain_questions_give_the_paired_test_of_the_micro_average() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 2, 60), rng.integers(0, 2, 60)
    groups = [str(i // 3) for i in range(60)]
    terms = [[Term(unit=str(i), value=float(v), cluster=groups[i]) for i, v in enumerate(run)] for run in (a, b)]
    theirs = paired_bootstrap(a.tolist(), b.tolist(), groups)
    ours = formula_paired(*terms)
    assert (ours.difference, ours.standard_error) == pytest.approx((theirs.difference, theirs.standard_error))
    assert ours.p_value == pytest.approx(theirs.p_value, abs=0.03)


def test_paired_runs_must_hold_the_same_units() -> None:
    one, two = ([Term(unit=unit, value=1.0, cluster="a")] for unit in "xy")
    with pytest.raises(ValueError, match="same units"):
        formula_paired(one, two)


def test_mcnemar_over_pairs_only_where_units_are_right_or_wrong() -> None:
    a = [Term(unit=str(i), value=float(i < 1), cluster=str(i)) for i in range(9)]
    b = [Term(unit=str(i), value=float(i > 0), cluster=str(i)) for i in range(9)]
    assert formula_mcnemar(a, b) == pytest.approx(2 * 10 / 512)  # 8 fixed, 1 broken
    half = [dataclasses.replace(term, value=0.5) for term in a]
    assert formula_mcnemar(half, b) is None
    weighed = [dataclasses.replace(term, stratum=str(i % 2)) for i, term in enumerate(a)]
    assert formula_mcnemar(weighed, b) is None


def run_folder(folder: Path, rows: list[Prediction]) -> Path:
    folder.mkdir()
    manifest = {
        "protocol": {"benchmark": "mmvp"},
        "protocol_id": "p",
        "model": {"name": folder.name, "fingerprint": folder.name},
        "samples": len(rows),
        "headline": "micro",
        "title": "MMVP",
        "notes": [],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "predictions.jsonl").write_text("".join(row.to_json() + "\n" for row in rows), encoding="utf-8")
    return folder


def mmvp_rows(replies: str) -> list[Prediction]:
    return [
        tagged(predict(choice_sample(str(i)), reply), benchmark="mmvp", index=str(i))
        for i, reply in enumerate(replies, start=1)
    ]


def test_comparing_runs_on_the_official_formula(tmp_path: Path) -> None:
    # A: pairs right, wrong, wrong, right; B: right, right, wrong, right: 50 to 75 per cent, one unit fixed of four.
    a = run_folder(tmp_path / "a", mmvp_rows("AABABBAA"))
    b = run_folder(tmp_path / "b", mmvp_rows("AAAABBAA"))
    found = compare_runs(a, b)
    assert (found.official, found.official_a, found.official_b) == ("pair_accuracy", 0.5, 0.75)
    assert found.official_test is not None
    assert found.primary is found.official_test
    assert found.official_test.difference == 0.25
    assert (found.official_test.n, found.official_test.groups) == (4, 4)
    assert found.official_mcnemar == 1.0
    assert found.detectable == pytest.approx(2.8016 * found.official_test.standard_error, rel=1e-3)
    assert found.micro.difference == pytest.approx(1 / 8)


def _paired_rows(rng: np.random.Generator, *, pairs: int, per_scene: int, correlation: float) -> list[Prediction]:
    """Pairs of questions in scenes whose own rate varies; the pair's two questions are independent given the scene."""
    scenes = pairs // per_scene
    share = 0.75
    spread = (1 - correlation) / correlation
    rates = rng.beta(share * spread, (1 - share) * spread, scenes)
    rows = []
    for i in range(pairs * 2):
        scene = i // (2 * per_scene)
        rows.append((str(i + 1), f"s{scene}", float(rng.random() < rates[scene])))
    template = predict(choice_sample("t"), "A")
    return [
        dataclasses.replace(template, id=name, group=scene, score=score, tags={"index": name})
        for name, scene, score in rows
    ]


def _pair_coverage(runs: int, *, pairs: int, per_scene: int, correlation: float) -> float:
    rng = np.random.default_rng(21)
    # E[rate^2] of the beta distribution: what a pair is worth in the long run.
    truth = 0.75 * 0.25 * correlation + 0.75**2
    hits = 0
    for _ in range(runs):
        terms = TERMS["pair_accuracy"](_paired_rows(rng, pairs=pairs, per_scene=per_scene, correlation=correlation))
        estimate = formula_estimate(terms)
        hits += estimate.low <= truth <= estimate.high
    return hits / runs


def _strata_coverage(runs: int, *, clusters: int) -> float:
    """The mean of eight strata of unequal size, each with its own rate; clusters hold questions of all strata."""
    rng = np.random.default_rng(22)
    base = np.linspace(0.3, 0.7, 8)
    hits = 0
    for _ in range(runs):
        shift = rng.uniform(-0.2, 0.2, clusters)
        terms = []
        for cluster in range(clusters):
            for stratum in range(8):
                for k in range(int(rng.integers(0, 3 + stratum))):
                    value = float(rng.random() < base[stratum] + shift[cluster])
                    terms.append(
                        Term(
                            unit=f"{cluster}-{stratum}-{k}",
                            value=value,
                            cluster=str(cluster),
                            stratum=str(stratum),
                            share=1 / 8,
                        )
                    )
        estimate = formula_estimate(terms)
        hits += estimate.low <= base.mean() <= estimate.high
    return hits / runs


def _pair_false_positives(runs: int, *, pairs: int, per_scene: int) -> float:
    """Share of p <= .05 when two runs are equally good: the same rates, other luck."""
    rng = np.random.default_rng(23)
    rejected = 0
    for run in range(runs):
        rates = rng.beta(6, 2, pairs // per_scene)
        sides: list[list[Term]] = [[], []]
        lean = rng.choice([-0.1, 0.1], pairs // per_scene)
        for side, sign in zip(sides, (1, -1), strict=True):
            for pair in range(pairs):
                scene = pair // per_scene
                rate = min(1.0, max(0.0, rates[scene] + sign * lean[scene]))
                side.append(Term(unit=str(pair), value=float((rng.random(2) < rate).all()), cluster=str(scene)))
        rejected += formula_paired(*sides, resamples=399, seed=run).p_value <= 0.05
    return rejected / runs


def test_coverage_of_formulas_quick() -> None:
    assert 0.91 <= _pair_coverage(150, pairs=120, per_scene=3, correlation=0.2) <= 0.99
    assert 0.90 <= _strata_coverage(80, clusters=40) <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize(("pairs", "per_scene", "correlation"), [(150, 1, 0.2), (240, 3, 0.2), (300, 5, 0.4)])
def test_coverage_of_pairs(pairs: int, per_scene: int, correlation: float) -> None:
    covered = _pair_coverage(2000, pairs=pairs, per_scene=per_scene, correlation=correlation)
    print(f"covered: {covered:.4f}")
    assert 0.93 <= covered <= 0.97


@pytest.mark.slow
def test_coverage_of_a_mean_of_eight() -> None:
    covered = _strata_coverage(1500, clusters=60)
    print(f"covered: {covered:.4f}")
    assert 0.93 <= covered <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(("pairs", "per_scene"), [(150, 1), (200, 4)])
def test_false_positives_of_pairs(pairs: int, per_scene: int) -> None:
    rejected = _pair_false_positives(3000, pairs=pairs, per_scene=per_scene)
    print(f"rejected: {rejected:.4f}")
    assert 0.04 <= rejected <= 0.06


def test_summaries_carry_the_interval() -> None:
    summary = summarize(mmvp_rows("AABABBAA"))
    measured = summary.formulas["pair_accuracy"]
    assert measured.value == 0.5
    assert measured.low is not None
    assert measured.high is not None
    assert 0.0 <= measured.low < 0.5 < measured.high <= 1.0
