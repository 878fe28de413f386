"""What every page shares: one HTML file with its styles, scripts and data inside, and no way to ask the outside.

A page is a template of ``templates/`` that extends ``base.html.j2``, files of ``assets/`` written into it, one JSON
block that its script reads, and *blocks*: texts (pictures, scenes) that the script reads only when they are shown, so
that a page with hundreds of megabytes of them opens at once. What data say is always inserted with ``textContent``.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

STYLES = ("page.css",)
SCRIPTS = ("page.js", "drawing.js")
"""Assets that every page has; the page's own come after them."""

FILE_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
SERVED_POLICY = (
    "default-src 'none'; img-src 'self' data:; connect-src 'self'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
"""What a page may load, by its own word: nothing; or pictures and news of the server that it came from."""

_BLOCK_NAME = re.compile(r"[a-z][a-z0-9-]*")


def json_text(value: Any) -> str:
    """JSON that can stand inside a ``<script>`` block: ``<`` is escaped, so no text in it can end the block."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def data_uri(data: bytes) -> str:
    """Encoded picture bytes (PNG, WebP, else taken for JPEG) as a ``data:`` address."""
    kind = "png" if data.startswith(b"\x89PNG") else "webp" if data[8:12] == b"WEBP" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def percent(share: float) -> str:
    """A share of 0..1 in percent with one decimal."""
    return f"{100 * share:.1f}"


def render_page(
    template: str,
    *,
    title: str,
    data: Any,
    scripts: Sequence[str],
    styles: Sequence[str] = (),
    blocks: Mapping[str, str] | None = None,
    served: bool = False,
    **values: Any,
) -> str:
    """The HTML of a page.

    Args:
        template: File of ``templates/``.
        title: Heading and window title.
        data: Plain JSON values for the page's script (``DATA`` there).
        scripts: The page's own files of ``assets/``, run after the shared ones.
        styles: The page's own files of ``assets/``.
        blocks: Texts by name that the script reads when it needs them (``block(name)`` there): JSON of `json_text` or
            addresses of `data_uri`.
        served: The page may ask the server that it came from, and nothing else; else it may ask nobody.
        values: What else the template names.

    Raises:
        ValueError: A block's name is not lower-case letters, digits and ``-``, or its text holds ``<``.
    """
    for name, text in (blocks or {}).items():
        if not _BLOCK_NAME.fullmatch(name) or "<" in text:
            raise ValueError(f"block {name!r}: name it in lower case, and pass its text through json_text or data_uri")
    environment = Environment(
        loader=PackageLoader("wherewise.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["percent"] = percent
    return environment.get_template(template).render(
        title=title,
        style=Markup(_assets((*STYLES, *styles))),
        script=Markup(_assets((*SCRIPTS, *scripts))),
        data=Markup(json_text(data)),
        blocks={name: Markup(text) for name, text in (blocks or {}).items()},
        policy=SERVED_POLICY if served else FILE_POLICY,
        **values,
    )


def _assets(names: Sequence[str]) -> str:
    folder = resources.files("wherewise.reports").joinpath("assets")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8").rstrip() for name in names)


def write_page(html: str, out: Path) -> Path:
    """Write a page whole or not at all; makes its folder. Returns `out`."""
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(out.name + ".tmp")
    draft.write_text(html, encoding="utf-8", errors="replace", newline="\n")
    os.replace(draft, out)
    return out
