"""How a model family writes places as numbers, and the compact list of claims ``red chair (3,5,4); lamp (7,2,6)``.

Geometry outside this module is in pixels of the *original* picture and in metres. A codec turns it into the integers
that a model speaks and back. All codecs are pure arithmetic: no torch, no picture needed, only its size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from wherewise.samples import SceneGraph

_NUMBERS = re.compile(r"[+-]?\d{1,9}(?:\.\d{1,9})?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """Size of a picture, before and after the processor resized it.

    Attributes:
        width: Width of the original picture in pixels.
        height: Height of the original picture in pixels.
        seen_width: Width in pixels of what the model saw; None means that it was not resized.
        seen_height: Height in pixels of what the model saw; None means that it was not resized.
    """

    width: int
    height: int
    seen_width: int | None = None
    seen_height: int | None = None

    def __post_init__(self) -> None:
        sizes = (self.width, self.height, self.seen_width, self.seen_height)
        if any(size is not None and size < 1 for size in sizes):
            raise ValueError(f"a frame's sides are at least one pixel, got {sizes}")

    @property
    def seen(self) -> tuple[int, int]:
        """``(width, height)`` in pixels of what the model saw."""
        return self.seen_width or self.width, self.seen_height or self.height


class CoordinateCodec(Protocol):
    """Places and distances as the integers that a model writes."""

    @property
    def name(self) -> str:
        """The codec's name in configs."""
        ...

    @property
    def box_claims(self) -> bool:
        """True if a claim holds a box, False if it holds the box's centre."""
        ...

    @property
    def distance_step(self) -> float:
        """Metres of one unit of a written distance."""
        ...

    def encode_point(self, xy: tuple[float, float], frame: Frame) -> tuple[int, int]:
        """Original pixels to written integers."""
        ...

    def decode_point(self, xy: tuple[float, float], frame: Frame) -> tuple[float, float]:
        """Written numbers to original pixels."""
        ...

    def encode_distance(self, metres: float) -> int:
        """Metres to the written integer."""
        ...

    def decode_distance(self, value: float) -> float:
        """Written number to metres."""
        ...

    def tenth(self, frame: Frame) -> tuple[float, float]:
        """A tenth of the picture's width and of its height, in written units."""
        ...


def _check_distance(metres: float) -> None:
    if not metres >= 0:
        raise ValueError(f"a distance is at least 0 m, got {metres}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenths:
    """Cells of a 10 x 10 grid: ``0..9`` from left and from top; distance in half metres, clipped to ``0..9``.

    A point is decoded to the middle of its cell. A model with few digits learns this quickly.
    """

    name: str = "tenths"
    box_claims: bool = False
    distance_step: float = 0.5

    def encode_point(self, xy: tuple[float, float], frame: Frame) -> tuple[int, int]:
        """Cell ``(column, row)`` of a point in original pixels; outside points go to the nearest border cell."""
        x, y = int(xy[0] * 10 // frame.width), int(xy[1] * 10 // frame.height)
        return min(max(x, 0), 9), min(max(y, 0), 9)

    def decode_point(self, xy: tuple[float, float], frame: Frame) -> tuple[float, float]:
        """Middle of a cell in original pixels."""
        return (xy[0] + 0.5) * frame.width / 10, (xy[1] + 0.5) * frame.height / 10

    def encode_distance(self, metres: float) -> int:
        """Whole half metres, at most 9."""
        _check_distance(metres)
        return min(int(metres / self.distance_step), 9)

    def decode_distance(self, value: float) -> float:
        """Middle of the half metre, in metres."""
        return (value + 0.5) * self.distance_step

    def tenth(self, frame: Frame) -> tuple[float, float]:
        """One cell each way."""
        return 1.0, 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Norm1000:
    """``0..1000`` across the picture each way, whatever its size (Qwen3-VL); distance in decimetres."""

    name: str = "norm1000"
    box_claims: bool = True
    distance_step: float = 0.1

    def encode_point(self, xy: tuple[float, float], frame: Frame) -> tuple[int, int]:
        """Thousandths of the picture, clipped to it."""
        x, y = round(xy[0] * 1000 / frame.width), round(xy[1] * 1000 / frame.height)
        return min(max(x, 0), 1000), min(max(y, 0), 1000)

    def decode_point(self, xy: tuple[float, float], frame: Frame) -> tuple[float, float]:
        """Original pixels."""
        return xy[0] * frame.width / 1000, xy[1] * frame.height / 1000

    def encode_distance(self, metres: float) -> int:
        """Nearest decimetre."""
        _check_distance(metres)
        return round(metres / self.distance_step)

    def decode_distance(self, value: float) -> float:
        """Metres."""
        return value * self.distance_step

    def tenth(self, frame: Frame) -> tuple[float, float]:
        """100 units each way."""
        return 100.0, 100.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pixels:
    """Pixels of the frame that the model saw after resizing (Qwen2.5-VL); distance in decimetres."""

    name: str = "pixels"
    box_claims: bool = True
    distance_step: float = 0.1

    def encode_point(self, xy: tuple[float, float], frame: Frame) -> tuple[int, int]:
        """Nearest pixel of the seen frame, clipped to it."""
        width, height = frame.seen
        x, y = round(xy[0] * width / frame.width), round(xy[1] * height / frame.height)
        return min(max(x, 0), width), min(max(y, 0), height)

    def decode_point(self, xy: tuple[float, float], frame: Frame) -> tuple[float, float]:
        """Original pixels."""
        width, height = frame.seen
        return xy[0] * frame.width / width, xy[1] * frame.height / height

    def encode_distance(self, metres: float) -> int:
        """Nearest decimetre."""
        _check_distance(metres)
        return round(metres / self.distance_step)

    def decode_distance(self, value: float) -> float:
        """Metres."""
        return value * self.distance_step

    def tenth(self, frame: Frame) -> tuple[float, float]:
        """A tenth of the seen frame's sides."""
        width, height = frame.seen
        return width / 10, height / 10


CODECS: dict[str, CoordinateCodec] = {codec.name: codec for codec in (Tenths(), Norm1000(), Pixels())}


def encode_box(
    codec: CoordinateCodec, xyxy: tuple[float, float, float, float], frame: Frame
) -> tuple[int, int, int, int]:
    """A box ``(x1, y1, x2, y2)`` in original pixels as written integers."""
    return codec.encode_point(xyxy[:2], frame) + codec.encode_point(xyxy[2:], frame)


def decode_box(
    codec: CoordinateCodec, xyxy: tuple[float, float, float, float], frame: Frame
) -> tuple[float, float, float, float]:
    """A written box as original pixels."""
    return codec.decode_point(xyxy[:2], frame) + codec.decode_point(xyxy[2:], frame)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One object that a reply says is somewhere.

    Attributes:
        label: The object's name as written, spaces squeezed.
        place: ``(x, y)`` of the centre or ``(x1, y1, x2, y2)``, in the codec's written units.
        distance: Distance in the codec's written units, or None when the claim has none.
    """

    label: str
    place: tuple[float, ...]
    distance: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """All claims of one text.

    Attributes:
        items: The well-formed claims, in order.
        malformed: Number of entries that are not ``label (numbers)``.
    """

    items: tuple[Claim, ...] = ()
    malformed: int = 0


def claims_of(graph: SceneGraph, codec: CoordinateCodec, frame: Frame | None = None) -> tuple[Claim, ...]:
    """What a perfect reply claims: the graph's focus objects, in focus order.

    Args:
        graph: Boxes in pixels of the original picture.
        codec: How places are written.
        frame: Picture sizes; None takes the graph's own, not resized.

    Raises:
        ValueError: A focus id names no object of the graph.
    """
    frame = frame or Frame(width=graph.width, height=graph.height)
    objects = {item.id: item for item in graph.objects}
    claims = []
    for key in graph.focus:
        if key not in objects:
            raise ValueError(f"focus id {key!r} is not an object of the scene graph; it has {sorted(objects)}")
        item = objects[key]
        x1, y1, x2, y2 = item.box
        place: tuple[int, ...] = (
            encode_box(codec, item.box, frame)
            if codec.box_claims
            else codec.encode_point(((x1 + x2) / 2, (y1 + y2) / 2), frame)
        )
        distance = None if item.distance is None else codec.encode_distance(item.distance)
        claims.append(Claim(label=item.label, place=place, distance=distance))
    return tuple(claims)


def write_claims(claims: tuple[Claim, ...]) -> str:
    """The compact line of some claims, ``none`` when there are none.

    >>> write_claims((Claim(label="red chair", place=(3, 5), distance=4), Claim(label="lamp", place=(7, 2))))
    'red chair (3,5,4); lamp (7,2)'
    """
    parts = []
    for claim in claims:
        numbers = claim.place if claim.distance is None else (*claim.place, claim.distance)
        parts.append(f"{claim.label} ({','.join(f'{number:g}' for number in numbers)})")
    return "; ".join(parts) or "none"


def parse_claims(text: str, codec: CoordinateCodec) -> Claims:
    """Read a compact line of claims; entries are separated by ``;`` or line breaks. Linear time.

    >>> parse_claims("red chair ( 3, 5,4 ) ;lamp (7,2); so on", CODECS["tenths"])  # doctest: +ELLIPSIS
    Claims(items=(Claim(label='red chair', place=(3.0, 5.0), distance=4.0), ...), malformed=1)
    """
    size = 4 if codec.box_claims else 2
    items, malformed = [], 0
    entries = [entry.strip() for entry in text.replace("\n", ";").split(";")]
    entries = [entry for entry in entries if entry]
    if len(entries) == 1 and entries[0].rstrip(".").lower() == "none":
        return Claims()
    for entry in entries:
        head, bracket, tail = entry.partition("(")
        label = " ".join(head.split())
        numbers = [part.strip() for part in tail.removesuffix(".").rstrip().removesuffix(")").split(",")]
        whole = bracket and label and tail.rstrip(". ").endswith(")") and len(numbers) in (size, size + 1)
        if not whole or not all(_NUMBERS.fullmatch(number) for number in numbers):
            malformed += 1
            continue
        values = tuple(float(number) for number in numbers)
        items.append(Claim(label=label, place=values[:size], distance=values[size] if len(values) > size else None))
    return Claims(items=tuple(items), malformed=malformed)
