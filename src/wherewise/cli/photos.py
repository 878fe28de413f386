"""``wherewise data photos``: a folder of photographs to a dataset.

Laid out as ``data graphs`` lays it out; photographs stay where they are, samples name them relative to the folder. What
was seen in each photograph is kept in ``seen/`` inside the dataset folder, so a run that was cut short goes on there.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer
from pydantic import field_validator

from wherewise.cli.options import ConfigFile, DryRun, Limit, Overrides, PrintConfig, Quiet, load_or_print
from wherewise.cli.sources import Overwrite, Report, SourceConfig, run_source
from wherewise.perception.config import BackendsConfig
from wherewise.perception.ground import GroundConfig
from wherewise.perception.sorting import SortingConfig
from wherewise.questions.config import MarginsConfig, QuestionsConfig

FAMILIES = (
    "existence",
    "counting",
    "left_right",
    "above_below",
    "relation",
    "relation_check",
    "position_in_picture",
    "count_where",
    "box_grounding",
    "point_grounding",
    "camera_distance",
    "front_behind",
    "depth_order",
    "object_depth",
)
"""What one picture's detections can answer. Those that need depth refuse a scene without it (``no_units``)."""


class PhotoQuestions(QuestionsConfig):
    """Which questions to ask of photographs: other defaults than for exact scenes."""

    families: tuple[str, ...] = FAMILIES
    """Question families or sets of them. Sizes are left out: one view shows no back."""
    margins: MarginsConfig = MarginsConfig(min_pixels=400, min_pixel_share=0.008)
    """Ambiguity margins, before they are widened by the errors that the backends state."""

    @field_validator("margins")
    @classmethod
    def _doubt(cls, value: MarginsConfig) -> MarginsConfig:
        if value.min_fraction <= 0:
            raise ValueError("min_fraction must be above 0: things in doubt are told by a visible share of 0")
        return value


class PhotosConfig(SourceConfig):
    """A dataset from photographs."""

    out: Path = Path("data/photos")
    """Dataset folder to write."""
    folder: Path
    """Folder of the photographs (.jpg, .jpeg, .png, .webp), read with its sub-folders; the samples' media folder."""
    license: str | None = None
    """Licence of the photographs that the samples carry; null writes ``unknown``."""
    exclude: tuple[Path, ...] = ()
    """Lists of photographs that must not be used, one ``photos/<scene id>`` a line."""
    backends: BackendsConfig = BackendsConfig()
    """What looks at the photographs."""
    sorting: SortingConfig = SortingConfig()
    """When a detection is trusted."""
    ground: GroundConfig = GroundConfig()
    """When a plane is the floor; needs a metric depth backend."""
    questions: PhotoQuestions = PhotoQuestions()
    """What is asked."""


def photos(
    config: ConfigFile,
    overrides: Overrides = None,
    report: Report = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    print_config: PrintConfig = False,
    limit: Limit = None,
    quiet: Quiet = False,
) -> None:
    """Ask about a folder of photographs; what detectors, masks and depth say of each is kept for a restart."""
    from wherewise.perception.photos import Photos
    from wherewise.questions.widened import widened

    loaded: PhotosConfig = load_or_print(PhotosConfig, config, overrides, print_config=print_config).value
    tally: Counter[str] = Counter()
    chosen = loaded.backends
    source = Photos(
        folder=loaded.folder,
        keep=loaded.out / "seen",
        backends=chosen.make(),
        sorting=loaded.sorting,
        ground=loaded.ground,
        license=loaded.license or "unknown",
        tally=tally,
    )
    margins = widened(
        loaded.questions.margins,
        box_error=chosen.detector.error,
        mask_error=0.0 if chosen.segmenter.kind == "none" else chosen.segmenter.error,
        depth_error=0.0 if chosen.depth.kind == "none" else chosen.depth.error,
    )
    asked: dict[str, object] = {"margins": margins}
    if loaded.questions.vocabulary is None:
        asked["vocabulary"] = source.backends.detector.vocabulary
    ready = loaded.model_copy(update={"questions": loaded.questions.model_copy(update=asked)})
    typer.echo(
        run_source(
            "photos", ready, source, report, overwrite=overwrite, dry_run=dry_run, limit=limit, quiet=quiet, tally=tally
        )
    )
    counts = {key: number for key, number in tally.items() if key.split(".")[0] in ("photos", "objects", "ground")}
    typer.echo("seen: " + ", ".join(f"{key} {number}" for key, number in sorted(counts.items())))
    for file, problem in source.unreadable.items():
        typer.echo(f"left out: {file}: {problem}")
