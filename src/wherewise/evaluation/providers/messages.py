"""A question as the user's message of a chat completion: pictures and clips as data URLs, then the text."""

from __future__ import annotations

import base64
import io
from typing import Any

import PIL.Image

from wherewise.evaluation.protocol import MediaLimits
from wherewise.evaluation.providers.base import Request
from wherewise.evaluation.providers.shown import load_clip, shrink
from wherewise.media.errors import MediaError
from wherewise.media.image import load_image
from wherewise.media.roots import name_of, open_medium
from wherewise.media.sniff import Format, read_format
from wherewise.samples import Image, Video

_SENT_AS_IS = {Format.PNG: "image/png", Format.JPEG: "image/jpeg", Format.WEBP: "image/webp"}
_CLIPS = {Format.MP4: "video/mp4", Format.MATROSKA: "video/webm"}
_ORIENTATION = 0x0112


def user_message(request: Request, limits: MediaLimits) -> dict[str, Any]:
    """The message.

    A picture goes as the file that it is if that is an upright PNG, JPEG or WebP within the limits, else as a PNG of
    the upright, shrunk RGB picture. Frames of a clip go as JPEGs of quality 95 without chroma subsampling, in order of
    time. With ``clips="file"`` the clip's file goes whole, as vLLM's ``video_url``.

    Raises:
        MediaError: A medium cannot be read, or its span cannot be sent as a file.
    """
    parts: list[dict[str, Any]] = []
    for medium in request.media:
        if isinstance(medium, Image):
            parts.append(_picture_part(_picture(medium, request, limits)))
        elif limits.clips == "file":
            parts.append({"type": "video_url", "video_url": {"url": _file(medium, request)}})
        else:
            clip = load_clip(medium, limits, request.root, sample_id=request.sample_id)
            parts += [_picture_part(_encoded(PIL.Image.fromarray(frame), "JPEG")) for frame in clip.array]
    content: Any = [*parts, {"type": "text", "text": request.text}] if parts else request.text
    return {"role": "user", "content": content}


def _picture(image: Image, request: Request, limits: MediaLimits) -> str:
    picture = load_image(image, request.root, sample_id=request.sample_id)
    shown = shrink(picture, limits.max_pixels)
    if shown is picture:
        with open_medium(image, request.root, sample_id=request.sample_id) as stream:
            kind = read_format(stream)
            stream.seek(0)
            data = stream.read()
        if kind in _SENT_AS_IS:
            with PIL.Image.open(io.BytesIO(data)) as raw:
                plain = raw.mode in ("RGB", "L") and raw.getexif().get(_ORIENTATION, 1) == 1
            if plain:
                return _data_url(_SENT_AS_IS[kind], data)
    return _encoded(shown, "PNG")


def _encoded(picture: PIL.Image.Image, form: str) -> str:
    stream = io.BytesIO()
    if form == "JPEG":
        picture.save(stream, form, quality=95, subsampling=0)
    else:
        picture.save(stream, form)
    return _data_url(f"image/{form.lower()}", stream.getvalue())


def _file(video: Video, request: Request) -> str:
    file, sample = name_of(video), request.sample_id
    if video.start or video.end is not None or video.frame_times:
        fix = "send frames (--clips frames)"
        raise MediaError("the sample is a part of its clip, a file goes whole", fix=fix, file=file, sample=sample)
    with open_medium(video, request.root, sample_id=sample) as stream:
        kind = read_format(stream)
        stream.seek(0)
        data = stream.read()
    if kind not in _CLIPS:
        fix = "send frames (--clips frames), or convert it to MP4 or WebM"
        raise MediaError(f"not a clip that is sent as a file, but {kind}", fix=fix, file=file, sample=sample)
    return _data_url(_CLIPS[kind], data)


def _picture_part(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def _data_url(mime: str, data: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
