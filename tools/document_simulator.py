"""Write what `docs/simulator.md` takes from the code: the table of settings and, with ``--pictures``, the pictures.

python tools/document_simulator.py [--pictures]
"""

from __future__ import annotations

import argparse
import ast
import inspect
import io
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from wherewise.scenes.simulate import Capture, Home, SimulateConfig, Walk, simulate

DOCS = Path(__file__).resolve().parents[1] / "docs"
START, END = "<!-- settings: tools/document_simulator.py -->", "<!-- end of settings -->"
MODELS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("simulate", SimulateConfig),
    ("simulate.home", Home),
    ("simulate.walk", Walk),
    ("simulate.capture", Capture),
)
#: Largest picture file in bytes.
LIMIT = 60_000

#: Name of the picture -> config, seed, indices.
LOOKS: dict[str, tuple[dict[str, Any], int, tuple[int, ...]]] = {
    "simulator_objects": ({"framing": "objects", "furnish": False, "objects": (3, 5), "tint": 1.0}, 0, (0, 1, 2)),
    "simulator_room": ({"objects": (12, 18), "room": (4.0, 6.5)}, 0, (1, 3, 5)),
    "simulator_home": (
        {"objects": (12, 24), "room": (3.0, 5.5), "home": {"rooms": (1, 4)}, "furniture": "full", "alike": 0.5},
        0,
        (2, 3, 10),
    ),
    "simulator_captured": (
        {
            "objects": (12, 20),
            "home": {"rooms": (1, 2)},
            "capture": {"distortion": (0.25, 0.25), "exposure": (0.7, 1.3), "noise": (5, 10), "jpeg": (25, 50)},
        },
        0,
        (2, 4, 7),
    ),
}


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The text under each field of a class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(body, ast.ClassDef)
    out = {}
    for line, below in zip(body.body, body.body[1:], strict=False):
        named = isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
        if named and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            out[line.target.id] = " ".join(str(below.value.value).split())
    return out


def default_of(field: FieldInfo) -> str:
    """The default as one would write it in YAML."""
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "its defaults"
    if value is None:
        return "null"
    if isinstance(value, tuple):
        return f"[{', '.join(str(getattr(each, 'value', each)) for each in value)}]"
    return str(value).lower() if isinstance(value, bool) else str(getattr(value, "value", value))


def table() -> str:
    """Every setting with its default and what it means."""
    lines = []
    for title, model in MODELS:
        texts = docstrings(model)
        lines += [f"### `{title}`", "", "| setting | default | meaning |", "|---|---|---|"]
        for name, field in model.model_fields.items():
            lines.append(f"| `{name}` | `{default_of(field)}` | {texts[name]} |")
        lines.append("")
    return "\n".join(lines)


def draw(folder: Path) -> None:
    """Draw the pictures: three scenes of each look, side by side, as JPEG of at most `LIMIT` bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (fields, seed, indices) in LOOKS.items():
        config = SimulateConfig.model_validate({"width": 320, "height": 240, "supersample": 2, **fields})
        strip = np.concatenate([simulate(config, seed, index).rgb[0] for index in indices], 1)
        for quality in range(88, 30, -4):
            data = io.BytesIO()
            Image.fromarray(strip).save(data, "JPEG", quality=quality, optimize=True)
            if len(data.getvalue()) <= LIMIT:
                break
        (folder / f"{name}.jpg").write_bytes(data.getvalue())
        print(f"{name}.jpg: {len(data.getvalue())} bytes at quality {quality}")


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", action="store_true", help="draw the pictures again")
    page = DOCS / "simulator.md"
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(START)
    _, after = rest.split(END)
    page.write_text(f"{before}{START}\n\n{table()}\n{END}{after}", encoding="utf-8")
    if parser.parse_args().pictures:
        draw(DOCS / "images")


if __name__ == "__main__":
    main()
