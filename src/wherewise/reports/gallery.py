"""The gallery of a dataset: samples with pictures, truth, evidence, facts and margins, in one HTML file.

Text of up to `GalleryInputs.sample` samples stands in the page. Pictures take space, so they are kept for some samples
of each task, spread evenly over its splits, until a budget is spent; the page says for how many. A picture that one
sample brings is there for all samples of the same group. Scenes (``scenes-{split}.jsonl``) and depth and ids
(``sidecars/``) are shown where they stand beside the dataset.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from wherewise.media import MediaError
from wherewise.reports.floor_plan import find_scenes, plan_record, view_of
from wherewise.reports.gallery_rows import Rows, Tally, medium_key
from wherewise.reports.page import data_uri, json_text, render_page, write_page
from wherewise.reports.shots import Shot, depth_picture, id_picture, take_shots
from wherewise.samples.errors import InputError
from wherewise.samples.manifest import Manifest, read_manifest
from wherewise.samples.sample import Sample
from wherewise.samples.store import read_dataset
from wherewise.scenes.scene import Scene

MEGABYTE = 1_000_000
BESIDE = 0.5
"""Scenes without pictures, and depth and ids, may each take at most this share of the budget besides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GalleryInputs:
    """What a gallery shows.

    Attributes:
        dataset: Dataset folder, or a ``.jsonl`` file.
        root: Data root of media paths; the dataset's folder where None.
        title: Heading; the dataset's name where None.
        splits: Only these; all where None.
        sample: Most samples on the page, spread evenly over the dataset.
        media_limit: Most samples of a task that bring their pictures; 0 shows none.
        budget: Megabytes of pictures at most.
        side: Longest side of a picture in pixels.
        frames: Most frames of a clip.
        quality: JPEG quality.
        sidecars: Show depth and ids where the dataset has them.
    """

    dataset: Path
    root: Path | None = None
    title: str | None = None
    splits: tuple[str, ...] | None = None
    sample: int = 10_000
    media_limit: int = 40
    budget: float = 40.0
    side: int = 512
    frames: int = 8
    quality: int = 78
    sidecars: bool = True

    @property
    def folder(self) -> Path:
        """Where scenes, sidecars and, without a `root`, media are."""
        return self.dataset if self.dataset.is_dir() else self.dataset.parent


@dataclass(frozen=True, kw_only=True, slots=True)
class Gallery:
    """What was written.

    Attributes:
        page: The HTML file.
        samples: Samples on the page.
        total: Samples in the dataset (in the chosen splits).
        with_pictures: Samples on the page whose pictures are on it.
        unread: What was wrong with media that could not be read.
        size: Bytes of the page.
    """

    page: Path
    samples: int
    total: int
    with_pictures: int
    unread: tuple[str, ...]
    size: int

    def __str__(self) -> str:
        lines = [f"gallery: {self.page} ({self.size / MEGABYTE:.1f} MB)"]
        lines.append(f"{self.samples} of {self.total} samples, {self.with_pictures} with pictures")
        if self.unread:
            lines.append(f"{len(self.unread)} samples have media that cannot be read; the first: {self.unread[0]}")
        return "\n".join(lines)


@dataclass(kw_only=True, slots=True)
class _Collected:
    """What reading the dataset gave.

    Attributes:
        rows: The page's rows.
        tallies: Answers by task, of all samples.
        counts: Samples by split and task, of all samples.
        carriers: By task the samples that bring their pictures.
    """

    rows: Rows
    tallies: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    carriers: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))


def build_gallery(inputs: GalleryInputs, out: Path, *, on_progress: Callable[[int], None] | None = None) -> Gallery:
    """Write the gallery of a dataset.

    Args:
        inputs: What to show.
        out: The HTML file; its folder is made.
        on_progress: Called with the number of samples that were read or whose pictures were made.

    Returns:
        What was written.

    Raises:
        DatasetError: The dataset or a scene beside it cannot be read; names file, row, field and fix.
        InputError: A limit is out of range, or none of the pictures can be read.
    """
    for name, least in (("sample", 1), ("media_limit", 0), ("budget", 0), ("side", 16), ("frames", 1), ("quality", 1)):
        if getattr(inputs, name) < least:
            raise InputError(f"{name} is {getattr(inputs, name)}; use {least} or more")
    manifest = read_manifest(inputs.dataset) if inputs.dataset.is_dir() else None
    collected = _collect(inputs, manifest, on_progress)
    pictures = _Pictures(inputs, collected.rows)
    pictures.take(_round_robin(collected.carriers), on_progress)
    pictures.add_scenes()
    rows, media = collected.rows.rows, collected.rows.media
    shown = sum(any(media[place]["shots"] for place in row["media"]) for row in rows)
    total = sum(sum(tasks.values()) for tasks in collected.counts.values())
    counts = {split: dict(collected.counts[split].most_common()) for split in sorted(collected.counts)}
    title = inputs.title or inputs.dataset.resolve().name
    data = {
        "title": title,
        "rows": rows,
        "media": media,
        "graphs": collected.rows.graphs.values,
        "timelines": collected.rows.timelines.values,
        "total": total,
        "counts": counts,
        "balance": {task: collected.tallies[task].record() for task in sorted(collected.tallies)},
        "rejections": [] if manifest is None else sorted(manifest.rejections.items(), key=lambda each: -each[1]),
        "families": {} if manifest is None else _families(manifest),
        "margins": _margins(manifest),
        "generator": None if manifest is None else manifest.generator.get("name"),
        "version": None if manifest is None else manifest.wherewise,
    }
    html = render_page(
        "gallery.html.j2",
        title=title,
        data=data,
        scripts=["flags.js", "gallery.js"],
        styles=["gallery.css"],
        blocks=pictures.blocks,
        notes=_notes(inputs, len(rows), total, shown, pictures),
    )
    write_page(html, out)
    return Gallery(
        page=out,
        samples=len(rows),
        total=total,
        with_pictures=shown,
        unread=tuple(pictures.unread),
        size=out.stat().st_size,
    )


def _margins(manifest: Manifest | None) -> dict[str, Any]:
    generator = {} if manifest is None else manifest.generator
    config = generator.get("config")
    questions = config.get("questions") if isinstance(config, dict) else None
    margins = questions.get("margins") if isinstance(questions, dict) else None
    return dict(margins) if isinstance(margins, dict) else {}


def _families(manifest: Manifest) -> dict[str, Any]:
    """Outcomes by family, where the generator kept them."""
    families = manifest.generator.get("families")
    if not isinstance(families, dict):
        return {}
    return {
        task: sorted(
            ((name, count) for name, count in counts.items() if name != "scenes" and isinstance(count, int)),
            key=lambda each: -each[1],
        )
        for task, counts in families.items()
        if isinstance(counts, dict)
    }


def _collect(inputs: GalleryInputs, manifest: Manifest | None, on_progress: Callable[[int], None] | None) -> _Collected:
    """Read the dataset once: count everything, keep the rows and the samples that bring pictures."""
    counts = _count(inputs, manifest)
    total = counts.total()
    of_task: Counter[str] = Counter()
    for (_, task), count in counts.items():
        of_task[task] += count
    collected = _Collected(rows=Rows(_margins(manifest)))
    position: Counter[tuple[str, str]] = Counter()
    for number, sample in enumerate(read_dataset(inputs.dataset, splits=inputs.splits)):
        collected.tallies[sample.task].add(sample)
        collected.counts[sample.split][sample.task] += 1
        if on_progress is not None:
            on_progress(1)
        if not _is_chosen(number, total, inputs.sample):
            continue
        collected.rows.add(sample)
        part = sample.split, sample.task
        on_page = max(1, min(counts[part], round(counts[part] * min(1.0, inputs.sample / total))))
        share = max(1, round(inputs.media_limit * counts[part] / of_task[sample.task])) if inputs.media_limit else 0
        if _is_chosen(position[part], on_page, share) and len(collected.carriers[sample.task]) < inputs.media_limit:
            collected.carriers[sample.task].append(sample)
        position[part] += 1
    return collected


def _count(inputs: GalleryInputs, manifest: Manifest | None) -> Counter[tuple[str, str]]:
    """Samples by split and task."""
    if manifest is None:
        return Counter((sample.split, sample.task) for sample in read_dataset(inputs.dataset, splits=inputs.splits))
    return Counter(
        {
            (split, task): count
            for split, tasks in manifest.counts.items()
            for task, count in tasks.items()
            if inputs.splits is None or split in inputs.splits
        }
    )


def _is_chosen(number: int, total: int, most: int) -> bool:
    """Whether the item at a position is one of `most`, spread evenly over `total`; the first always is."""
    if most >= total:
        return True
    return most > 0 and (number == 0 or number * most // total != (number - 1) * most // total)


def _round_robin(carriers: dict[str, list[Sample]]) -> Iterator[Sample]:
    """Samples of all tasks in turn, so that a spent budget leaves none out."""
    for turn in range(max(map(len, carriers.values()), default=0)):
        for task in sorted(carriers):
            if turn < len(carriers[task]):
                yield carriers[task][turn]


class _Pictures:
    """Pictures, depth, ids and scenes of a page, as blocks, within a budget."""

    def __init__(self, inputs: GalleryInputs, rows: Rows) -> None:
        self.inputs = inputs
        self.rows = rows
        self.blocks: dict[str, str] = {}
        self.unread: list[str] = []
        self.spent = 0
        self.left_out = 0
        self.scenes_left_out = 0
        self.layers_left_out = 0
        self._root = inputs.root or inputs.folder
        self._taken: set[str] = set()
        self._shots: dict[tuple[str, str], list[tuple[Shot, dict[str, Any]]]] = defaultdict(list)

    def take(self, samples: Iterator[Sample], on_progress: Callable[[int], None] | None) -> None:
        """Make the pictures of the samples, as long as the budget lasts."""
        tried = 0
        for sample in samples:
            if on_progress is not None:
                on_progress(1)
            tried += 1
            if self.spent >= self.inputs.budget * MEGABYTE:
                self.left_out += 1
                continue
            self._take(sample)
        if tried and len(self.unread) == tried:
            raise InputError(
                f"none of the media can be read. {self.unread[0]}. Or name the folder that media paths are relative to "
                "with --root, or leave the media out with --media-limit 0"
            )

    def _take(self, sample: Sample) -> None:
        keys = [medium_key(sample, medium) for medium in sample.media]
        if all(key in self._taken for key in keys):
            return
        places = self.rows.media_of(sample)
        inputs = self.inputs
        try:
            shots = take_shots(
                sample.media,
                self._root,
                sample_id=sample.id,
                side=inputs.side,
                frames=inputs.frames,
                quality=inputs.quality,
            )
        except MediaError as error:
            self.unread.append(str(error))
            for place in places:
                self.rows.media[place]["error"] = str(error)
            return
        for shot in shots:
            if keys[shot.medium] in self._taken:
                continue
            record: dict[str, Any] = {"picture": self._add("p", data_uri(shot.jpeg)), "size": [shot.width, shot.height]}
            if shot.time is not None:
                record["time"] = round(shot.time, 3)
            self.rows.media[places[shot.medium]]["shots"].append(record)
            self._shots[sample.split, sample.group].append((shot, record))
        self._taken.update(keys)

    def _add(self, prefix: str, text: str) -> str:
        name = f"{prefix}{len(self.blocks)}"
        self.blocks[name] = text
        self.spent += len(text)
        return name

    def add_scenes(self) -> None:
        """Add the scenes of the rows' groups, first those whose pictures are here, and what each shown view sees."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for row in self.rows.rows:
            wanted[row["split"]].add(row["group"])
        names: dict[tuple[str, str], str] = {}
        room = layers = BESIDE * self.inputs.budget * MEGABYTE
        for split, scene in find_scenes(self.inputs.folder, wanted):
            shots = self._shots.get((split, scene.id), [])
            if not shots and room <= 0:
                self.scenes_left_out += 1
                continue
            views = [self._placed(scene, shot, record) for shot, record in shots]
            text = json_text(plan_record(scene, {view for view in views if view is not None}))
            room -= len(text)
            names[split, scene.id] = self._add("s", text)
            sidecar = self._sidecar_of(split, scene) if self.inputs.sidecars and shots else None
            if sidecar is not None and layers <= 0:
                self.layers_left_out += 1
            elif sidecar is not None:
                records = [record for _, record in shots]
                layers -= self._add_sidecar(sidecar, list(zip(views, records, strict=True)))
        for row in self.rows.rows:
            if (row["split"], row["group"]) in names:
                row["scene"] = names[row["split"], row["group"]]

    @staticmethod
    def _placed(scene: Scene, shot: Shot, record: dict[str, Any]) -> int | None:
        view = view_of(scene, medium=shot.medium, time=shot.time)
        if view is not None:
            record["view"] = view
        return view

    def _sidecar_of(self, split: str, scene: Scene) -> Path | None:
        path = self.inputs.folder / "sidecars" / split / f"{scene.id}.npz"
        return path if Path(scene.id).name == scene.id and path.is_file() else None

    def _add_sidecar(self, path: Path, views: Sequence[tuple[int | None, dict[str, Any]]]) -> int:
        """Add depth and ids of the shown views; returns the characters that they take."""
        from wherewise.scenes.simulate.sidecar import read_sidecar

        try:
            stored = read_sidecar(path.read_bytes())
        except (ValueError, OSError, BadZipFile) as error:
            raise InputError(
                f"{path}: not a sidecar that can be read ({error}). Fix: make the dataset again, or leave depth and "
                "ids out with --no-sidecars"
            ) from error
        before = self.spent
        for view, record in views:
            if view is None or view >= len(stored.depth):
                continue
            picture, near, far = depth_picture(stored.depth[view])
            record["depth"] = self._add("d", data_uri(picture))
            record["span"] = [round(near, 2), round(far, 2)]
            record["ids"] = self._add("i", data_uri(id_picture(stored.ids[view])))
        return self.spent - before


def _notes(inputs: GalleryInputs, rows: int, total: int, shown: int, pictures: _Pictures) -> list[str]:
    """What the page leaves out, in words."""
    notes = []
    if rows < total:
        notes.append(f"{rows:,} of {total:,} samples are here, spread evenly over the dataset (--sample).")
    if shown < rows:
        why = f"at most {inputs.media_limit} samples of each task bring theirs (--media-limit)"
        if pictures.left_out:
            why += f", and the budget of {inputs.budget:g} MB is spent (--media-budget)"
        notes.append(f"{shown:,} of {rows:,} samples have their pictures here: {why}.")
    if pictures.unread:
        notes.append(f"{len(pictures.unread):,} samples have media that cannot be read; each says why.")
    if pictures.layers_left_out:
        notes.append(f"Depth and ids of {pictures.layers_left_out:,} scenes are left out (--media-budget).")
    if pictures.scenes_left_out:
        notes.append(f"{pictures.scenes_left_out:,} scenes are left out to keep the page small (--media-budget).")
    return notes
