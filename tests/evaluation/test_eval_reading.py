"""How clips are read is part of a run's protocol as far as it changes what the model sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from evaluation_builders import blink_row, write_blink

from wherewise.cli.main import run


def media_of(tmp_path: Path, name: str, *words: str) -> dict[str, object]:
    data = write_blink(tmp_path / "blink", [blink_row(i, answer="(A)") for i in range(4)])
    words = (
        "eval",
        "run",
        "blink",
        "--data",
        str(data),
        "--model",
        "frequent",
        "-q",
        "--out",
        str(tmp_path / name),
        *words,
    )
    assert run(words) == 0
    found = json.loads((tmp_path / name / "manifest.json").read_text())["protocol"]["media"]
    assert isinstance(found, dict)
    return found


def test_reading_is_in_the_protocol_without_paths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reading = tmp_path / "reading.yaml"
    plain = media_of(tmp_path, "plain")
    assert "reading" not in plain
    reading.write_text(f"timeout: 30\ncache: {tmp_path}/kept\n", encoding="utf-8")
    assert media_of(tmp_path, "kept", "--reading", str(reading)) == plain
    reading.write_text(f"overlay: {{subtitles: {tmp_path}/subs, position: top-right}}\n", encoding="utf-8")
    shown = media_of(tmp_path, "drawn", "--reading", str(reading))["reading"]
    assert isinstance(shown, dict)
    assert [*shown] == ["overlay"]
    assert shown["overlay"]["subtitles"] is True
    assert str(tmp_path) not in json.dumps(shown)
    reading.write_text("max_pixels: 5000\n", encoding="utf-8")
    data = str(tmp_path / "blink")
    words = ["eval", "run", "blink", "--data", data, "--model", "frequent", "--reading", str(reading)]
    assert run([*words, "--out", str(tmp_path / "bad")]) != 0
    assert "--max-pixels" in capsys.readouterr().err
