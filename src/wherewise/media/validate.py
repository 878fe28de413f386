"""The whole check of a dataset: its files and records (`wherewise.samples.validate`), and the media they name."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from wherewise.media.errors import MediaError
from wherewise.media.image import MAX_PIXELS, image_size, load_image
from wherewise.media.roots import open_medium
from wherewise.media.sniff import read_format, suffix_problem
from wherewise.media.video import load_frames, probe
from wherewise.samples.media import Image, Media, Video
from wherewise.samples.sample import Sample
from wherewise.samples.validate import Finding, MediaReport, Report, Size, validate_records

_REMEMBERED = 4096
_RATE_SLACK = 0.05
_LENGTH_SLACK = 0.5

Outcome = tuple[tuple[Finding, ...], Size | None]


def validate_dataset(
    folder: Path, root: Path | None, *, decode: bool = True, limit: int | None = None, max_pixels: int = MAX_PIXELS
) -> Report:
    """List everything wrong with a dataset: files, records, media, ids, splits.

    Args:
        folder: Dataset folder or ``.jsonl`` file.
        root: Data root of the media's paths; None if all media are bytes.
        decode: Decode pictures in full, and of each clip the first, middle and last frame of its span. Otherwise only
            existence, format, header and size are checked.
        limit: At most so many records; None means all.
        max_pixels: Larger pictures are reported from their header and never decoded.

    Returns:
        The report; nothing that is wrong with the dataset is raised.
    """
    return validate_records(folder, check_media=MediaChecker(root, decode=decode, max_pixels=max_pixels), limit=limit)


class MediaChecker:
    """Looks at samples' media; remembers what it saw, since many samples share a picture.

    Args:
        root: Data root of the media's paths.
        decode: Decode, or look at headers only.
        max_pixels: Larger pictures are reported and never decoded.
    """

    def __init__(self, root: Path | None, *, decode: bool = True, max_pixels: int = MAX_PIXELS) -> None:
        self._root = root
        self._decode = decode
        self._max_pixels = max_pixels
        self._seen: OrderedDict[Media, Outcome] = OrderedDict()

    def __call__(self, sample: Sample) -> MediaReport:
        """Check one sample's media."""
        findings: list[Finding] = []
        sizes: list[Size | None] = []
        for i, medium in enumerate(sample.media):
            found, size = self._look(medium)
            findings += [Finding(field=f"media[{i}]", message=f.message, fix=f.fix) for f in found]
            sizes.append(size)
        return MediaReport(findings=tuple(findings), sizes=tuple(sizes))

    def _look(self, medium: Media) -> Outcome:
        if medium.path is None:
            return self._check(medium)
        if medium not in self._seen:
            self._seen[medium] = self._check(medium)
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        return self._seen[medium]

    def _check(self, medium: Media) -> Outcome:
        findings: list[Finding] = []
        size: Size | None = None
        try:
            named = self._named(medium)
            if isinstance(medium, Image):
                size = image_size(medium, self._root, max_pixels=self._max_pixels)
                findings += named
                if self._decode:
                    load_image(medium, self._root, max_pixels=self._max_pixels)
            else:
                found, size = self._clip(medium)
                findings += [*named, *found]
        except MediaError as error:
            file = "" if medium.path is None else f"{medium.path}: "
            findings.append(Finding(field="", message=file + error.message, fix=error.fix))
        return tuple(findings), size

    def _named(self, medium: Media) -> list[Finding]:
        if medium.path is None:
            return []
        with open_medium(medium, self._root) as stream:
            problem = suffix_problem(medium.path, read_format(stream))
        if problem is None:
            return []
        return [
            Finding(field="", message=f"{medium.path}: {problem}", fix="rename it, or convert it to what it is named")
        ]

    def _clip(self, video: Video) -> tuple[list[Finding], Size]:
        info = probe(video, self._root, max_pixels=self._max_pixels)
        if self._decode:
            load_frames(video, self._root, max_frames=3, max_pixels=self._max_pixels)
        findings = []
        pairs = (
            ("width", video.width, info.width, 0.0),
            ("height", video.height, info.height, 0.0),
            ("fps", video.fps, info.fps, _RATE_SLACK * info.fps),
            ("duration", video.duration, info.duration, _LENGTH_SLACK),
        )
        for name, declared, actual, slack in pairs:
            if declared is not None and abs(declared - actual) > slack:
                message = f"{video.path or 'clip'}: the sample says {name} {declared:g}, the file {actual:g}"
                findings.append(Finding(field="", message=message, fix=f"correct {name}, or leave it out"))
        for time in video.frame_times or ():
            if not video.start <= time <= min(info.duration, video.end or info.duration):
                message = f"{video.path or 'clip'}: frame time {time:g} s is outside the sample's span"
                findings.append(Finding(field="", message=message, fix="sample the frames again"))
        return findings, (info.width, info.height)
