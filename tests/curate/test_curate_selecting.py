"""Shares, shortages, letters: the same everywhere, and never more than a row off."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter

from wherewise.curate.config import HALF_RELATIONS
from wherewise.curate.review import Candidate
from wherewise.curate.selecting import apportion, by_rating, chance, ordered_options, quotas
from wherewise.curate.statistics import Statistics
from wherewise.curate.tasks import Category
from wherewise.samples.evidence import SceneGraph


def candidate(name: str, options: int = 4, rating: int = 5, category: Category = Category.SIZE) -> Candidate:
    return Candidate(
        id=name,
        scene=name,
        question="Which?",
        options=tuple("wxyz"[:options]),
        marked=1,
        category=category,
        level="easy",
        rating=rating,
        evidence=SceneGraph(width=1, height=1, objects=()),
    )


def test_apportion_is_within_one() -> None:
    rng = random.Random(0)
    for _ in range(300):
        shares = {name: rng.random() + 0.01 for name in "abcdefg"[: rng.randint(1, 7)]}
        total = rng.randint(0, 500)
        found = apportion(total, shares)
        assert sum(found.values()) == total
        assert all(abs(found[n] - total * s / sum(shares.values())) < 1 for n, s in shares.items())


def test_quotas_hold_the_shares_or_fill_up() -> None:
    rng = random.Random(1)
    for _ in range(300):
        supply = {category: rng.choice([0, 3, 40, 400]) for category in Category}
        wanted = rng.choice([None, 10, 100, 1000])
        shrunk = quotas(wanted, HALF_RELATIONS, supply, "shrink")
        total = sum(shrunk.values())
        assert all(shrunk[c] <= supply[c] for c in Category)
        assert all(abs(shrunk[c] - HALF_RELATIONS[c] * total) < 1 for c in Category)
        filled = quotas(wanted, HALF_RELATIONS, supply, "fill")
        assert all(filled[c] <= supply[c] for c in Category)
        assert sum(filled.values()) == min(wanted or 10**9, sum(supply.values()))


def test_shrinking_takes_the_largest_total() -> None:
    supply = dict.fromkeys(Category, 100) | {Category.REACH: 4}
    assert sum(quotas(None, HALF_RELATIONS, supply, "shrink").values()) == 79  # reach: 4 of up to 4.94
    assert sum(quotas(50, HALF_RELATIONS, supply, "shrink").values()) == 50


def test_the_best_rated_come_first() -> None:
    ranked = by_rating([candidate("a", rating=3), candidate("b", rating=9), candidate("c", rating=3)], 0)
    assert ranked[Category.SIZE][0].id == "b"


def test_letters_are_right_equally_often() -> None:
    chosen = [candidate(f"q{n}", options=2 + n % 3) for n in range(100)]
    placed = ordered_options(chosen, 0)
    for options in (2, 3, 4):
        places = Counter(place for each, place in placed.values() if len(each) == options)
        assert len(places) == options
        assert max(places.values()) - min(places.values()) <= 1
    assert all(each[place] == "x" and sorted(each) == list("wxyz"[: len(each)]) for each, place in placed.values())


def test_chance_is_the_same_in_every_process() -> None:
    code = "from wherewise.curate.selecting import chance; print(chance(3, 'a'))"
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == chance(3, "a")


def test_statistics_ask_for_what_is_missing() -> None:
    statistics = Statistics(HALF_RELATIONS, {"easy": 0.4, "medium": 0.4, "hard": 0.2})
    assert "relation 50%" in statistics.text()
    for _ in range(8):
        statistics.add(Category.COUNT, "easy")
    statistics.add(Category.RELATION, "hard")
    text = statistics.text()
    assert "count 89% (wanted 6%)" in text
    assert "easy 89% (wanted 40%)" in text
    assert "Only if nothing else fits: " in text
    assert text.split("Only if nothing else fits: ")[1].rstrip(".").split(", ")[-1] == "count"
    few = Statistics({Category.SIZE: 1.0}, {"easy": 1.0, "medium": 0.0, "hard": 0.0})
    assert "Not wanted at all: relation" in few.text()
