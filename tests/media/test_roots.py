"""Paths stay inside the data root."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest

from wherewise.media import MediaError, content_hash, open_medium, resolve
from wherewise.samples import Image, Video


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "sub").mkdir(parents=True)
    (tmp_path / "root" / "sub" / "a.png").write_bytes(b"inside")
    (tmp_path / "secret.png").write_bytes(b"outside")
    return tmp_path / "root"


def test_files_inside_are_found(root: Path) -> None:
    assert resolve("sub/a.png", root).read_bytes() == b"inside"
    (root / "link.png").symlink_to("sub/a.png")
    assert resolve("link.png", root) == (root / "sub" / "a.png").resolve()


def test_a_root_that_is_itself_a_link_works(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    assert resolve("sub/a.png", tmp_path / "alias").read_bytes() == b"inside"


@pytest.mark.parametrize("path", ["../secret.png", "sub/../../secret.png", "/etc/passwd", "", "a\\b.png", "a\0.png"])
def test_paths_that_leave_are_refused(root: Path, path: str) -> None:
    with pytest.raises(MediaError, match=r"sample 's7': .*the path leaves the data root\. Fix: use a path relative"):
        resolve(path, root, sample_id="s7")


def test_links_that_leave_are_refused(root: Path, tmp_path: Path) -> None:
    (root / "file.png").symlink_to(tmp_path / "secret.png")
    (root / "folder").symlink_to(tmp_path)
    (root / "chain.png").symlink_to("file.png")
    for path in ("file.png", "folder/secret.png", "chain.png", "folder/missing.png"):
        with pytest.raises(MediaError, match=rf"sample 's7': {path}: a symbolic link leads out of the data root"):
            resolve(path, root, sample_id="s7")


def test_a_sibling_with_the_same_beginning_is_outside(root: Path, tmp_path: Path) -> None:
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2" / "b.png").write_bytes(b"x")
    (root / "b.png").symlink_to(tmp_path / "root2" / "b.png")
    with pytest.raises(MediaError, match="leads out"):
        resolve("b.png", root)


def test_missing_things_are_named(root: Path) -> None:
    for path, base, message in (
        ("sub/b.png", root, r"there is no such file under .*Fix: correct the path or the data root"),
        ("sub", root, "this is not a file"),
        ("sub/a.png", root / "no", "there is no data root"),
        ("sub/a.png", None, "the path needs a data root"),
    ):
        with pytest.raises(MediaError, match=rf"sample 's7': {path}: {message}"):
            resolve(path, base, sample_id="s7")


def test_empty_files_are_refused(root: Path) -> None:
    (root / "zero.mp4").touch()
    with pytest.raises(MediaError, match=r"sample 's7': zero.mp4: the file is empty \(0 bytes\)\. Fix: copy"):
        open_medium(Video(path="zero.mp4"), root, sample_id="s7")
    with pytest.raises(MediaError, match="<bytes>: the file is empty"):
        open_medium(Image(data=b""), None)


def test_content_hash_depends_on_bytes_alone(root: Path) -> None:
    expected = hashlib.sha256(b"inside").hexdigest()
    assert content_hash(Image(path="sub/a.png"), root) == expected
    assert content_hash(Image(data=b"inside"), None) == expected
    assert content_hash(Video(data=b"inside", fps=3.0), None) == expected
    assert content_hash(Image(data=b"inside "), None) != expected


def test_errors_cross_process_borders() -> None:
    error = MediaError("m", fix="f", file="a.png", sample="s")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.sample) == ("sample 's': a.png: m. Fix: f", "s")
