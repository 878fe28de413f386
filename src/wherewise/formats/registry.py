"""All formats by name."""

from __future__ import annotations

from wherewise.formats.chats import EASYR1, SHAREGPT, SWIFT, TRL
from wherewise.formats.cognitive_maps import COGNITIVE_MAPS
from wherewise.formats.dora import DORA
from wherewise.formats.dora_labels import DORA_LABELS
from wherewise.formats.reinforcesight import REINFORCESIGHT
from wherewise.formats.rows import RowFormat
from wherewise.formats.spatial_r1 import SR, VSI
from wherewise.formats.stvqa import STVQA
from wherewise.formats.verl import VERL
from wherewise.formats.video_r2 import VIDEO_R2
from wherewise.samples.errors import InputError
from wherewise.samples.plain import did_you_mean

FORMATS: dict[str, RowFormat] = {
    form.name: form
    for form in (
        SR,
        COGNITIVE_MAPS,
        VSI,
        VIDEO_R2,
        STVQA,
        REINFORCESIGHT,
        DORA,
        DORA_LABELS,
        SHAREGPT,
        SWIFT,
        VERL,
        EASYR1,
        TRL,
    )
}
"""Formats that are read and written."""


def get_format(name: str) -> RowFormat:
    """The format of a name.

    Raises:
        InputError: There is none.
    """
    if name not in FORMATS:
        raise InputError(f"no format {name!r}{did_you_mean(name, FORMATS)}")
    return FORMATS[name]
