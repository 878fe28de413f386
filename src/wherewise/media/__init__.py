"""Pictures and clips: found inside a data root, checked, decoded, sampled, sized. Works without torch."""

from wherewise.media.errors import MediaError
from wherewise.media.image import MAX_PIXELS, image_size, load_image
from wherewise.media.resize import smart_resize, smart_resize_video
from wherewise.media.roots import content_hash, open_medium, resolve
from wherewise.media.sniff import Format, sniff, suffix_problem
from wherewise.media.validate import MediaChecker, validate_dataset
from wherewise.media.video import Frames, VideoInfo, encode_video, load_frames, probe

__all__ = [
    "MAX_PIXELS",
    "Format",
    "Frames",
    "MediaChecker",
    "MediaError",
    "VideoInfo",
    "content_hash",
    "encode_video",
    "image_size",
    "load_frames",
    "load_image",
    "open_medium",
    "probe",
    "resolve",
    "smart_resize",
    "smart_resize_video",
    "sniff",
    "suffix_problem",
    "validate_dataset",
]
