"""Which of the good questions are taken: so many of each category, the best rated first."""

from __future__ import annotations

import hashlib
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeVar

from wherewise.curate.review import Candidate
from wherewise.curate.tasks import Category

K = TypeVar("K")


def apportion(total: int, shares: Mapping[K, float]) -> dict[K, int]:
    """Whole numbers that add up to `total`, each within 1 of its share: the largest remainders are rounded up.

    >>> apportion(10, {"a": 0.5, "b": 0.25, "c": 0.25})
    {'a': 5, 'b': 3, 'c': 2}
    """
    whole = sum(shares.values())
    exact = {key: total * share / whole for key, share in shares.items()}
    result = {key: int(value + 1e-9) for key, value in exact.items()}
    order = sorted(exact, key=lambda key: result[key] - exact[key])
    for key in order[: total - sum(result.values())]:
        result[key] += 1
    return result


def most_of(total: int, shares: Mapping[K, float]) -> dict[K, int]:
    """The most that each key can have of `total`: its share, rounded up."""
    whole = sum(shares.values())
    return {key: math.ceil(total * share / whole - 1e-9) for key, share in shares.items()}


def quotas(
    wanted: int | None,
    shares: Mapping[Category, float],
    supply: Mapping[Category, int],
    shortage: Literal["shrink", "fill"],
) -> dict[Category, int]:
    """How many of each category are taken.

    Args:
        wanted: Rows wanted; None for as many as there can be.
        shares: Share of each category.
        supply: Good questions of each category.
        shortage: ``shrink``: the largest total, up to the wanted one, that has enough of every category. ``fill``: the
            wanted total as far as there are questions, those of scarce categories replaced by others.
    """
    there = {category: supply.get(category, 0) for category in shares}
    most = sum(there.values())
    total = most if wanted is None else min(wanted, most)
    if shortage == "shrink":
        for size in range(total, -1, -1):
            found = _rounded(size, shares, there)
            if found is not None:
                return found
    taken = dict.fromkeys(shares, 0)
    while (left := total - sum(taken.values())) > 0:
        open_ = {category: share for category, share in shares.items() if taken[category] < there[category]}
        for category, count in apportion(left, open_).items():
            taken[category] = min(there[category], taken[category] + count)
    return taken


def _rounded(total: int, shares: Mapping[Category, float], there: Mapping[Category, int]) -> dict[Category, int] | None:
    """`total` by its shares, each rounded up or down so that there are enough; None if that can't be."""
    whole = sum(shares.values())
    exact = {category: total * share / whole for category, share in shares.items()}
    result = {category: int(value + 1e-9) for category, value in exact.items()}
    if any(count > there[category] for category, count in result.items()):
        return None
    up = [category for category in shares if exact[category] > result[category] + 1e-9]
    up = [category for category in up if there[category] > result[category]]
    left = total - sum(result.values())
    if len(up) < left:
        return None
    for category in sorted(up, key=lambda category: result[category] - exact[category])[:left]:
        result[category] += 1
    return result


def by_rating(candidates: Iterable[Candidate], seed: int) -> dict[Category, list[Candidate]]:
    """Candidates of each category, the best rated first; equals in a stable order of chance."""
    found: defaultdict[Category, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        found[candidate.category].append(candidate)
    for each in found.values():
        each.sort(key=lambda candidate: (-candidate.rating, chance(seed, candidate.id)))
    return dict(found)


def chance(seed: int, name: str) -> str:
    """A stable random key: the same in every process and on every machine."""
    return hashlib.sha256(f"curate/{seed}/{name}".encode()).hexdigest()


def ordered_options(chosen: Sequence[Candidate], seed: int) -> dict[str, tuple[tuple[str, ...], int]]:
    """Options and place of the right one for each question: shuffled, and each letter right equally often.

    Of questions with equally many options each place is the right one as often as any other, up to one.
    """
    placed: dict[str, tuple[tuple[str, ...], int]] = {}
    numbers: defaultdict[int, int] = defaultdict(int)
    for candidate in sorted(chosen, key=lambda candidate: chance(seed, candidate.id)):
        count = len(candidate.options)
        place = numbers[count] % count
        numbers[count] += 1
        others = [option for number, option in enumerate(candidate.options) if number != candidate.marked]
        random.Random(f"options/{seed}/{candidate.id}").shuffle(others)
        options = (*others[:place], candidate.options[candidate.marked], *others[place:])
        placed[candidate.id] = options, place
    return placed
