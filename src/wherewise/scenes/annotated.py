"""Scenes that come with their pictures from elsewhere, and what keeps one from being used."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wherewise.samples.media import Media
from wherewise.scenes.duplicates import NearDuplicates
from wherewise.scenes.exclusions import Key
from wherewise.scenes.scene import Scene


class Refusal(StrEnum):
    """Why a scene gave no questions; counted as ``scenes.<reason>`` in the manifest."""

    EXCLUDED = "excluded"
    """A list of benchmark scenes names it."""
    EXCLUDED_PLACE = "excluded_place"
    """A list of benchmark scenes names another scan of the same place."""
    NEAR_DUPLICATE = "near_duplicate"
    """An earlier scene of the same split has the same objects in the same places."""
    NEAR_DUPLICATE_ACROSS_SPLITS = "near_duplicate_across_splits"
    """A scene of another split has the same objects in the same places."""
    NO_MEDIA = "no_media"
    """Its video or picture is not in the media folder."""
    NO_OBJECTS = "no_objects"
    """Nothing is annotated in it."""
    POSES_DISAGREE = "poses_disagree"
    """The camera poses of its frames do not fit its boxes; it is used without its frames."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotated:
    """A scene with what a model sees of it.

    Attributes:
        scene: The scene.
        key: Dataset and scene id, as lists of excluded scenes name it.
        place: What must stay in one split: a room that was scanned twice, a picture with several annotations.
        media: Pictures or video; empty where they are missing.
        license: Licence of the media.
        notes: Reasons that refused a part of it (`Refusal.POSES_DISAGREE`).
    """

    scene: Scene
    key: Key
    place: str
    media: tuple[Media, ...]
    license: str
    notes: tuple[Refusal, ...] = ()


def split_of(place: str, shares: Mapping[str, float], seed: int) -> str:
    """The split of a place: a stable draw with the given shares, whatever other places there are.

    >>> split_of("scannet/scene0704", {"train": 0.9, "val": 0.1}, 0)
    'train'
    """
    total = sum(shares.values())
    digest = hashlib.sha256(f"split/{seed}/{place}".encode()).digest()
    drawn = int.from_bytes(digest[:8], "big") / 2**64 * total
    for name, share in shares.items():
        drawn -= share
        if drawn < 0:
            return name
    return next(reversed(list(shares)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """Which scenes may be used.

    Attributes:
        excluded: Scenes that must not be used.
        places: For each excluded scene that shares its place with others, that place; empty to exclude single scenes.
        media: Whether a scene needs its media.
        duplicates: Finds near-duplicates; None lets them pass.
    """

    excluded: frozenset[Key] = frozenset()
    places: frozenset[str] = frozenset()
    media: bool = True
    duplicates: NearDuplicates | None = None

    def refusal(self, item: Annotated, split: str) -> Refusal | None:
        """Why the scene must not be used; a scene that may be used is remembered for those after it."""
        if item.key in self.excluded:
            return Refusal.EXCLUDED
        if item.place in self.places:
            return Refusal.EXCLUDED_PLACE
        if not item.scene.objects:
            return Refusal.NO_OBJECTS
        if self.media and not item.media:
            return Refusal.NO_MEDIA
        if self.duplicates is not None:
            found = self.duplicates.add(item.scene, split)
            if found is not None:
                return Refusal.NEAR_DUPLICATE if found.split == split else Refusal.NEAR_DUPLICATE_ACROSS_SPLITS
        return None


def admitted(
    items: Iterable[Annotated], guard: Guard, shares: Mapping[str, float], seed: int, tally: Counter[str]
) -> Iterator[tuple[str, Annotated]]:
    """The scenes that may be used, each with its split, in order; the others are counted in `tally`."""
    for item in items:
        split = split_of(item.place, shares, seed)
        tally["scenes.read"] += 1
        tally.update(f"scenes.{note}" for note in item.notes)
        reason = guard.refusal(item, split)
        if reason is None:
            yield split, item
        else:
            tally[f"scenes.{reason}"] += 1
