"""Pictures and clips: found inside a data root, checked, decoded, sampled, sized. Works without torch."""

from wherewise.media.errors import MediaError
from wherewise.media.image import MAX_PIXELS, image_size, load_image
from wherewise.media.overlay import OverlayConfig, draw_overlay
from wherewise.media.reading import ReadingConfig, overlaid, read_clip
from wherewise.media.resize import smart_resize, smart_resize_video
from wherewise.media.roots import content_hash, open_medium, resolve
from wherewise.media.sniff import Format, sniff, suffix_problem
from wherewise.media.validate import MediaChecker, validate_dataset
from wherewise.media.video import Decoder, Frames, Strategy, VideoInfo, encode_video, load_frames, probe

__all__ = [
    "MAX_PIXELS",
    "Decoder",
    "Format",
    "Frames",
    "MediaChecker",
    "MediaError",
    "OverlayConfig",
    "ReadingConfig",
    "Strategy",
    "VideoInfo",
    "content_hash",
    "draw_overlay",
    "encode_video",
    "image_size",
    "load_frames",
    "load_image",
    "open_medium",
    "overlaid",
    "probe",
    "read_clip",
    "resolve",
    "smart_resize",
    "smart_resize_video",
    "sniff",
    "suffix_problem",
    "validate_dataset",
]
