"""Seeded damage: bytes are flipped, cut and doubled; texts and JSON get the values that readers forget."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

OUTSIDE = "outside-of-the-root"
"""Name of the folder beside every case's root; no reader has business there."""

TRAVERSALS = (
    f"../{OUTSIDE}/secret.png",
    f"../{OUTSIDE}/secret.mp4",
    f"../{OUTSIDE}/secret.srt",
    f"..\\{OUTSIDE}\\secret.png",
    f"./../{OUTSIDE}/secret.png",
    f"{{outside}}/{OUTSIDE}/secret.png",
    f"{{outside}}/{OUTSIDE}/secret.mp4",
    f"file://{{outside}}/{OUTSIDE}/secret.png",
    "link/secret.png",
)
"""Paths that leave the root; ``{outside}`` becomes the folder above it. ``link`` is a symbolic link out of it."""

NUMBERS = ("0", "-1", "-0", "1e400", "-1e308", "NaN", "Infinity", "1e-320", "9" * 30, "9" * 400, "0x7f", "007", "1_000")
TEXTS = (
    "",
    " ",
    "\0",
    "\ud800",
    "\ufeff",
    "\u202egnp.\u202c",
    "a" * 70_000,
    "{" * 2000,
    "[" * 100_000,
    '{"a":' * 5_000,
    "(" * 3000,
    "%s%n{0}{x!r}",
    "<answer>" * 500,
    "99:99:99,999",
    "-00:00:01,000 --> 00:00:00,000",
    "00:00:00,000 --> 99999999999:00:00,000",
    "{\\p1}m 0 0{\\t(0,1e9,\\fscx1e30)}",
    "&#x110000;&lt;",
    "١٢٣",
    "²",
    *TRAVERSALS,
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    -(2**63),
    10**30,
    1e308,
    -1e308,
    5e-324,
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"kind": "nothing"},
    [1, "a", None, {}],
)


def mutated(data: bytes, suffix: str, rng: random.Random, *, outside: str) -> bytes:
    """The damaged bytes of a file.

    Args:
        data: What the file holds.
        suffix: Its ending, which says how it may be damaged.
        rng: Where the choices come from.
        outside: The folder above the root, for paths that lead out of it.
    """
    ways: list[Callable[[bytes, random.Random], bytes]] = [_bytes]
    if suffix in (".json", ".jsonl"):
        ways += [_json_lines if suffix == ".jsonl" else _json] * 4 + [_text] * 2
    elif suffix in (".srt", ".vtt", ".ass", ".yaml", ".csv", ".tsv", ".txt"):
        ways += [_text] * 4
    damaged = rng.choice(ways)(data, rng)
    return damaged.replace(b"{outside}", outside.encode())


def _bytes(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        if not out:
            break
        at = rng.randrange(len(out))
        # What counts in a file stands mostly at its beginning and its end.
        match rng.randrange(4):
            case 0:
                at = min(at, rng.randrange(64))
            case 1:
                at = max(0, len(out) - 1 - rng.randrange(64))
        match rng.randrange(9):
            case 0 | 1:
                out[at] ^= 1 << rng.randrange(8)
            case 2:
                out[at] = rng.choice((0, 0xFF, 0x7F, 0x80, 0x2F))
            case 3:
                width = rng.choice((2, 4, 8))
                out[at : at + width] = rng.choice((b"\xff", b"\x00", b"\x7f", b"\x80")) * width
            case 4:
                del out[at : at + rng.choice((1, 4, 64, 1024))]
            case 5:
                out[at:at] = out[at : at + rng.choice((1, 4, 64, 1024))]
            case 6:
                out[at:at] = rng.randbytes(rng.choice((1, 4, 64)))
            case 7:
                other, size = rng.randrange(len(out)), rng.choice((4, 16, 256))
                out[at : at + size], out[other : other + size] = out[other : other + size], out[at : at + size]
            case 8:
                del out[at + 1 :]
    return bytes(out)


def _text(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(lines))
        line = lines[at]
        match rng.randrange(8):
            case 0:
                lines.insert(at, rng.choice(TEXTS).encode("utf-8", "surrogatepass"))
            case 1:
                del lines[at : at + rng.choice((1, 3))]
                lines = lines or [b""]
            case 2:
                lines[at] = line + line
            case 3:
                place = rng.randrange(len(line) + 1)
                lines[at] = line[:place] + rng.choice(TEXTS).encode("utf-8", "surrogatepass") + line[place:]
            case 4:
                lines[at] = _numbers_changed(line, rng)
            case 5:
                place = rng.randrange(len(line) + 1)
                lines[at] = line[:place] + rng.choice((b"\xff\xfe", b"\xc3", b"\x00", b"\x80")) + line[place:]
            case 6:
                lines[at] = line.swapcase()[:: rng.choice((1, -1))]
            case 7:
                lines = rng.choice((lines * rng.choice((2, 20)), lines[:at] or [b""], [b"\xff\xfe", *lines]))
    return b"\n".join(lines)


def _numbers_changed(line: bytes, rng: random.Random) -> bytes:
    digits = [at for at, byte in enumerate(line) if chr(byte).isdigit()]
    if not digits:
        return line
    at = rng.choice(digits)
    return line[:at] + rng.choice(NUMBERS).encode() + line[at + 1 :]


def _json_lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = rng.choice([number for number, line in enumerate(lines) if line.strip()] or [0])
    lines[at] = _json(lines[at], rng).replace(b"\n", b" ")
    return b"\n".join(lines)


def _json(data: bytes, rng: random.Random) -> bytes:
    try:
        tree = json.loads(data)
    except ValueError:
        return _text(data, rng)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        tree = _node_changed(tree, rng)
    text = json.dumps(tree, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.1:
        text = _numbers_changed(text.encode("utf-8", "surrogatepass"), rng).decode("utf-8", "surrogatepass")
    return text.encode("utf-8", "surrogatepass")


def _node_changed(tree: Any, rng: random.Random) -> Any:
    """The tree with one node replaced, removed, doubled or renamed; deep nodes as likely as shallow ones."""
    places: list[tuple[Any, Any]] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            places.append((node, key))
            pending.append(node[key])
    if not places or rng.random() < 0.02:
        return copy.deepcopy(rng.choice((*VALUES, *TEXTS)))
    parent, key = rng.choice(places)
    match rng.randrange(8):
        case 0:
            del parent[key]
        case 1 if isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        case 1:
            parent[rng.choice(("", "__class__", "kind", key + "x"))] = parent.pop(key)
        case 2 | 3:
            parent[key] = rng.choice(TEXTS)
        case 4:
            parent[key] = rng.choice(TRAVERSALS)
        case 5 if isinstance(parent[key], (int, float)):
            parent[key] = rng.choice((-parent[key], parent[key] * 1e12, 2.5, 10**25))
        case 5 | 6:
            parent[key] = copy.deepcopy(rng.choice(VALUES))
        case 7:
            parent[key] = rng.choice(([parent[key]], {"value": parent[key]}, str(parent[key])))
    return tree
