"""Media out of zips: what is wanted comes out, and nothing lands outside the folder."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from wherewise.evaluation.archives import unpack
from wherewise.evaluation.load import load_benchmark
from wherewise.evaluation.specs import get_benchmark
from wherewise.samples.errors import InputError


def archive(path: Path, members: dict[str, bytes], *, mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            opened.writestr(info, content)
    return path


def test_only_what_is_wanted_from_several_archives(tmp_path: Path) -> None:
    archive(tmp_path / "one.zip", {"scannet/a.mp4": b"a", "scannet/other.mp4": b"o"})
    archive(tmp_path / "two.zip", {"b.mp4": b"b", "videos/c.mp4": b"c"})
    (tmp_path / "there.mp4").write_bytes(b"t")
    found = unpack(tmp_path, ["scannet/a.mp4", "scannet/b.mp4", "c.mp4", "there.mp4", "nowhere.mp4"])
    assert (found.files, found.there, found.missing) == (3, 1, ("nowhere.mp4",))
    assert (tmp_path / "scannet" / "b.mp4").read_bytes() == b"b"
    assert (tmp_path / "c.mp4").read_bytes() == b"c"
    assert not (tmp_path / "scannet" / "other.mp4").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../out.mp4", "leaves the folder"),
        ("a/../../out.mp4", "leaves the folder"),
        ("/etc/out.mp4", "leaves the folder"),
        ("a\\..\\out.mp4", "leaves the folder"),
        ("C:/out.mp4", "names a drive"),
    ],
)
def test_no_member_escapes(tmp_path: Path, name: str, reason: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    archive(root / "bad.zip", {"good.mp4": b"g", name: b"x"})
    with pytest.raises(InputError, match=reason):
        unpack(root, ["good.mp4", "out.mp4"])
    assert sorted(path.name for path in tmp_path.rglob("*.mp4")) == []


def test_links_in_archives_and_in_the_folder_are_refused(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    archive(root / "link.zip", {"a.mp4": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777)
    with pytest.raises(InputError, match="is a link"):
        unpack(root, ["a.mp4"])
    (root / "link.zip").unlink()
    archive(root / "plain.zip", {"videos/a.mp4": b"a"})
    (root / "videos").symlink_to(outside)
    with pytest.raises(InputError, match="behind a link"):
        unpack(root, ["videos/a.mp4"])
    assert list(outside.iterdir()) == []


def test_bombs_and_sizes(tmp_path: Path) -> None:
    archive(tmp_path / "bomb.zip", {"a.mp4": bytes(8 << 20)})
    with pytest.raises(InputError, match="far larger than its archived form"):
        unpack(tmp_path, ["a.mp4"])
    (tmp_path / "bomb.zip").unlink()
    archive(tmp_path / "big.zip", {"a.mp4": b"x" * 100})
    with pytest.raises(InputError, match="at most 50 more"):
        unpack(tmp_path, ["a.mp4"], most_bytes=50)
    assert not (tmp_path / "a.mp4").exists()


def test_a_damaged_archive_leaves_no_half_file(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr("a.mp4", b"0123456789" * 50)
    content = bytearray(path.read_bytes())
    content[100] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="not a readable zip archive"):
        unpack(tmp_path, ["a.mp4"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zip"]
    path.write_bytes(b"PK, but no archive")
    with pytest.raises(InputError, match="not a readable zip archive"):
        unpack(tmp_path, ["a.mp4"])


def test_clips_of_a_benchmark(tmp_path: Path) -> None:
    (tmp_path / "val.csv").write_text(
        "video,frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4\n"
        "4010069381,369,640,480,how do they play,0,6,CH,roll,tap,strum,hit,pat\n"
    )
    spec = get_benchmark("nextqa-val")
    wanted = str(load_benchmark(spec, tmp_path).samples[0].media[0].path)
    archive(tmp_path / "clips.zip", {wanted: b"clip"})
    assert any("or pass --unpack" in note for note in load_benchmark(spec, tmp_path).notes)
    notes = load_benchmark(spec, tmp_path, unpack_archives=True).notes
    assert not any("clips are not in the folder" in note for note in notes)
    assert (tmp_path / wanted).read_bytes() == b"clip"
