"""Clips and pictures out of zip archives, so that no member can land outside the folder."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from wherewise.samples.errors import InputError

MOST_BYTES = 1 << 40
"""Most bytes that one call unpacks, by default (1 TiB)."""

MOST_INFLATED = 1000
"""A member that is so many times larger than its archived form is no picture or clip."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unpacked:
    """What was unpacked.

    Attributes:
        files: Files written.
        there: Wanted files that were there already.
        missing: Wanted files that no archive holds.
    """

    files: int
    there: int
    missing: tuple[str, ...]


def unpack(root: Path, wanted: Collection[str], *, most_bytes: int = MOST_BYTES) -> Unpacked:
    """Unpack the wanted files of all ``*.zip`` in a folder into it, and nothing else.

    A member is the wanted file of its own path, or of its path below one leading folder (``videos/a.mp4`` in an archive
    for ``a.mp4``, and the other way round).

    Args:
        root: Folder of archives and media.
        wanted: Paths relative to it.
        most_bytes: Most bytes to write.

    Raises:
        InputError: An archive is damaged or encrypted; a member is a link, climbs out of the folder, is inflated like a
            bomb, or the whole is too large: all of this is known before anything of the archive is written.
    """
    needed = {path for path in wanted if not os.path.exists(root / path)}
    there = len(set(wanted)) - len(needed)
    written = 0
    left = most_bytes
    for archive in sorted(root.glob("*.zip")):
        if not needed:
            break
        try:
            with zipfile.ZipFile(archive) as opened:
                members = {_name(archive, info): info for info in opened.infolist() if not info.is_dir()}
                targets = {target: members[name] for name in members for target in _targets(name, needed)}
                total = sum(info.file_size for info in targets.values())
                if total > left:
                    raise InputError(f"{archive}: {total} bytes to unpack, and at most {left} more are allowed")
                for target, info in sorted(targets.items()):
                    _write(opened, info, root, target, archive)
                    left -= info.file_size
                    written += 1
                needed -= set(targets)
        except InputError:
            raise
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
            raise InputError(f"{archive}: not a readable zip archive ({error}); fetch it again") from error
        except OSError as error:
            if error.errno != errno.EINVAL:  # a damaged directory names places before the file's beginning
                raise
            raise InputError(f"{archive}: not a readable zip archive ({error}); fetch it again") from error
    return Unpacked(files=written, there=there, missing=tuple(sorted(needed)))


def _name(archive: Path, info: zipfile.ZipInfo) -> str:
    """A member's path, checked.

    Raises:
        InputError: It climbs out, is a link, is encrypted, or inflates too far.
    """
    name = info.filename
    pure = PurePosixPath(name)
    kind = stat.S_IFMT(info.external_attr >> 16)
    reasons = (
        (not name or pure.is_absolute() or ".." in pure.parts or "\\" in name or "\0" in name, "leaves the folder"),
        (bool(pure.parts) and pure.parts[0].endswith(":"), "names a drive"),
        (kind not in (0, stat.S_IFREG, stat.S_IFDIR), "is a link or a device"),
        (bool(info.flag_bits & 1), "is encrypted"),
        (
            info.file_size > 1 << 20 and info.file_size > MOST_INFLATED * max(info.compress_size, 1),
            "is far larger than its archived form",
        ),
    )
    for wrong, reason in reasons:
        if wrong:
            raise InputError(f"{archive}: member {name!r} {reason}; do not unpack this archive")
    return str(pure)


def _targets(name: str, needed: Collection[str]) -> list[str]:
    """The needed paths that a member of this name is: its own path, or one leading folder more or less."""
    below = name.partition("/")[2]
    return [path for path in needed if path in (name, below) or path.partition("/")[2] == name]


def _write(opened: zipfile.ZipFile, info: zipfile.ZipInfo, root: Path, target: str, archive: Path) -> None:
    path = root / target
    path.parent.mkdir(parents=True, exist_ok=True)
    real = path.parent.resolve()
    if not real.is_relative_to(root.resolve()):
        raise InputError(f"{archive}: {target!r} lies behind a link that leaves {root}; remove the link")
    draft = path.with_name(path.name + ".part")
    try:
        with opened.open(info) as source, draft.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
