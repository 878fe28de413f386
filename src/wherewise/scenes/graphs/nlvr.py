"""NLVR structured representations: three grey boxes side by side with squares, triangles and circles in them.

Source: nlvr/ of lil-lab/nlvr (its README and nlvr/dev, 989 statements). Each line holds ``structured_rep``: three
lists of items with ``x_loc``, ``y_loc`` (the left and upper edge in a grey box of 100 x 100 pixels), ``size`` (edge
of the square around the item: 10, 20 or 30), ``type`` and ``color`` (``Yellow``, ``Black``, ``#0099ff``). In the
picture, 400 x 100 pixels, the boxes stand 50 pixels apart, in the order of the list in the pictures that end in
``-0``: on the dev set the pixel in the middle of each of the 8,876 items has its colour.

The annotation is complete, so counts and absence can be asked. A statement's ``identifier`` is ``n-m``; those with the
same n were shown together, so n is the place that must stay in one split.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from wherewise.samples.errors import DatasetError
from wherewise.samples.plain import short
from wherewise.scenes.graphs.flat import FlatObject, flat_scene
from wherewise.scenes.graphs.records import list_of, mapping, number_of, text_of
from wherewise.scenes.scene import Scene

WIDTH, HEIGHT = 400, 100
BOX, STEP = 100, 150
"""Edge of a grey box, and from the left edge of one to that of the next, in pixels."""
COLORS = {"yellow": "yellow", "black": "black", "#0099ff": "blue"}
SIZES = {10: "small", 20: "medium", 30: "large"}
SHARES = {"square": 1.0, "triangle": 0.5, "circle": math.pi / 4}
"""Share of its square that each shape fills."""


def nlvr_scene(record: Mapping[str, Any]) -> Scene:
    """The scene of one line.

    Object ids say the box and the place in its list: ``box-2-item-0``; ``facts["boxes"]`` lists them box by box.

    Raises:
        DatasetError: A field is missing or wrong.
    """
    name = text_of(record, "identifier", "")
    objects: list[FlatObject] = []
    boxes: list[list[str]] = []
    for column, items in enumerate(list_of(record, "structured_rep", "", length=3)):
        boxes.append([])
        for place, entry in enumerate(items if isinstance(items, list) else [items]):
            field = f"structured_rep[{column}][{place}]"
            item = _item(mapping(entry, field), column, place, field)
            objects.append(item)
            boxes[-1].append(item.id)
    return flat_scene(
        f"nlvr-{name}",
        objects,
        width=WIDTH,
        height=HEIGHT,
        source="nlvr",
        complete=True,
        facts={
            "statement": record.get("sentence"),
            "label": record.get("label"),
            "boxes": boxes,
            "place": nlvr_place(record),
        },
    )


def nlvr_place(record: Mapping[str, Any]) -> str:
    """What must stay in one split: the presentation that the statement comes from."""
    return f"nlvr/{text_of(record, 'identifier', '').partition('-')[0]}"


def nlvr_picture(record: Mapping[str, Any]) -> str:
    """Path of the picture: as the record says, else ``images/<directory>/<split>-<identifier>-0.png`` of the corpus."""
    if "image" in record:
        return text_of(record, "image", "")
    directory, split = text_of(record, "directory", ""), record.get("split", "dev")
    return f"images/{directory}/{split}-{text_of(record, 'identifier', '')}-0.png"


def _item(entry: Mapping[str, Any], column: int, place: int, field: str) -> FlatObject:
    shape, paint = text_of(entry, "type", f"{field}."), text_of(entry, "color", f"{field}.").lower()
    x, y, size = (number_of(entry, name, f"{field}.") for name in ("x_loc", "y_loc", "size"))
    for value, known, what in ((shape, SHARES, "type"), (paint, COLORS, "color"), (size, SIZES, "size")):
        if value not in known:
            raise DatasetError(
                f"{short(value)} is unknown", field=f"{field}.{what}", fix=f"write one of {', '.join(map(str, known))}"
            )
    if not (0 <= x <= BOX - size and 0 <= y <= BOX - size):
        raise DatasetError(f"({x:g}, {y:g}) of size {size:g} leaves its box", field=field, fix="write 0 .. 100 - size")
    left = column * STEP + x
    return FlatObject(
        id=f"box-{column}-item-{place}",
        category=shape,
        color=COLORS[paint],
        attributes={"size": SIZES[int(size)]},
        box=(left, y, left + size, y + size),
        share=SHARES[shape],
    )
