"""The contract: `Sample`, its media, answers and evidence; datasets on disk. Imports nothing of the other rooms.

The names that read and write files load pyarrow, and do so only when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from wherewise.samples.answer import (
    ANSWER_KINDS,
    LETTERS,
    Answer,
    Boolean,
    Box,
    Choice,
    GridMap,
    Number,
    Order,
    Point,
    Text,
    answer_text,
)
from wherewise.samples.codec import decode_record, from_record, to_record
from wherewise.samples.errors import DatasetError
from wherewise.samples.evidence import Evidence, GraphObject, Relation, SceneGraph, Timeline, TimelineEvent
from wherewise.samples.manifest import Manifest, Shard, read_manifest
from wherewise.samples.media import Image, Media, Video
from wherewise.samples.sample import Sample

if TYPE_CHECKING:
    from wherewise.samples.store import read_dataset, write_dataset
    from wherewise.samples.validate import Finding, MediaReport, Problem, Report, check_sample, validate_records

_LAZY = {
    "read_dataset": "store",
    "write_dataset": "store",
    "Finding": "validate",
    "MediaReport": "validate",
    "Problem": "validate",
    "Report": "validate",
    "check_sample": "validate",
    "validate_records": "validate",
}

__all__ = [
    "ANSWER_KINDS",
    "LETTERS",
    "Answer",
    "Boolean",
    "Box",
    "Choice",
    "DatasetError",
    "Evidence",
    "Finding",
    "GraphObject",
    "GridMap",
    "Image",
    "Manifest",
    "Media",
    "MediaReport",
    "Number",
    "Order",
    "Point",
    "Problem",
    "Relation",
    "Report",
    "Sample",
    "SceneGraph",
    "Shard",
    "Text",
    "Timeline",
    "TimelineEvent",
    "Video",
    "answer_text",
    "check_sample",
    "decode_record",
    "from_record",
    "read_dataset",
    "read_manifest",
    "to_record",
    "validate_records",
    "write_dataset",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
