"""From a sample's medium to its bytes: paths stay inside the data root, whatever they or symbolic links say."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from wherewise.media.errors import MediaError
from wherewise.samples.media import Media

IN_MEMORY = "<bytes>"
"""What errors call a medium that has bytes and no path."""


def resolve(path: str, root: Path | None, *, sample_id: str = "") -> Path:
    """The real path of a file inside a data root.

    Args:
        path: Relative POSIX path, as a sample gives it.
        root: The data root.
        sample_id: Sample to name in errors.

    Raises:
        MediaError: There is no root, the path or a symbolic link leaves it, or no regular file is there.
    """
    if root is None:
        raise MediaError(
            "the path needs a data root", fix="say where the media are (root)", file=path, sample=sample_id
        )
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path:
        raise MediaError(
            "the path leaves the data root", fix="use a path relative to the root", file=path, sample=sample_id
        )
    if not root.is_dir():
        raise MediaError(f"there is no data root {root}", fix="correct the data root", file=path, sample=sample_id)
    real = Path(os.path.realpath(root / pure))
    if not real.is_relative_to(os.path.realpath(root)):
        raise MediaError(
            "a symbolic link leads out of the data root",
            fix="copy the file into the root, or make the folder it lies in the root",
            file=path,
            sample=sample_id,
        )
    if not os.path.exists(real):  # a name that is too long for any file is none, too
        raise MediaError(
            f"there is no such file under {root}",
            fix="correct the path or the data root, or copy the file there",
            file=path,
            sample=sample_id,
        )
    if not real.is_file():
        raise MediaError("this is not a file", fix="give the path of a picture or clip", file=path, sample=sample_id)
    return real


def open_medium(medium: Media, root: Path | None, *, sample_id: str = "") -> BinaryIO:
    """The medium's encoded bytes as a seekable stream; the caller closes it.

    Raises:
        MediaError: It is missing, empty or outside the root.
    """
    if medium.data is not None:
        stream: BinaryIO = io.BytesIO(medium.data)
    else:
        stream = resolve(medium.path or "", root, sample_id=sample_id).open("rb")
    if stream.seek(0, os.SEEK_END) == 0:
        stream.close()
        raise MediaError("the file is empty (0 bytes)", fix=_AGAIN, file=name_of(medium), sample=sample_id)
    stream.seek(0)
    return stream


_AGAIN = "copy or download it again, or drop the sample"


def name_of(medium: Media) -> str:
    """Path of a medium, or ``<bytes>``."""
    return IN_MEMORY if medium.path is None else medium.path


def content_hash(medium: Media, root: Path | None) -> str:
    """Hex sha256 of the medium's encoded bytes, wherever they are: key of caches and protocol ids.

    Raises:
        MediaError: It is missing, empty or outside the root.
    """
    with open_medium(medium, root) as stream:
        digest = hashlib.sha256()
        while block := stream.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()
