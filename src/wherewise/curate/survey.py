"""What a dataset holds, counted in one reading: for its card, and for whether it can be uploaded."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from wherewise.samples.answer import Choice
from wherewise.samples.manifest import Manifest, read_manifest
from wherewise.samples.media import Image
from wherewise.samples.sample import Sample
from wherewise.samples.store import read_dataset


@dataclass(kw_only=True, slots=True)
class Survey:
    """Counts of one dataset.

    Attributes:
        manifest: Its manifest.
        kinds: Samples by kind of answer.
        letters: Samples by letter of the right option.
        options: Samples by number of options.
        levels: Samples by what ``facts`` call level, where they do.
        difficulties: The same for difficulty.
        licenses: Samples by licence.
        sources: Samples by source.
        media: Pictures and clips by what they are: ``pictures in the rows``, ``clips as files`` and so on.
        files: Paths of media that are files.
        groups: Groups by split.
        shared: Groups that are in several splits.
        corrected: Samples whose answer was put right.
    """

    manifest: Manifest
    kinds: Counter[str] = field(default_factory=Counter)
    letters: Counter[str] = field(default_factory=Counter)
    options: Counter[int] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    difficulties: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    media: Counter[str] = field(default_factory=Counter)
    files: set[str] = field(default_factory=set)
    groups: Counter[str] = field(default_factory=Counter)
    shared: int = 0
    corrected: int = 0

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        self.kinds[sample.answer.kind] += 1
        if isinstance(sample.answer, Choice):
            self.letters[sample.answer.letter] += 1
            self.options[len(sample.options)] += 1
        for counter, name in ((self.levels, "level"), (self.difficulties, "difficulty")):
            if isinstance(sample.facts.get(name), str):
                counter[sample.facts[name]] += 1
        self.licenses[sample.license or "unknown"] += 1
        self.sources[sample.source or "unknown"] += 1
        self.corrected += bool(sample.facts.get("corrected"))
        for medium in sample.media:
            what = "pictures" if isinstance(medium, Image) else "clips"
            self.media[f"{what} {'as files' if medium.path else 'in the rows'}"] += 1
            if medium.path:
                self.files.add(medium.path)


def survey(folder: Path) -> Survey:
    """Read a dataset and count.

    Raises:
        DatasetError: It is not whole.
    """
    found = Survey(manifest=read_manifest(folder))
    splits: defaultdict[str, set[str]] = defaultdict(set)
    for sample in read_dataset(folder, verify=True):
        found.add(sample)
        splits[sample.group].add(sample.split)
    for names in splits.values():
        found.groups.update(names)
        found.shared += len(names) > 1
    return found
