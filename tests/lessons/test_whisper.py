"""Shows without subtitles: Whisper writes them down; a transcript that is kept may be corrected by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lesson_toy import LENGTH, srt, write_episode

pytest.importorskip("torch")
pytest.importorskip("transformers")
from tiny_whisper import save_tiny_whisper

from wherewise.lessons.build import Account, episodes_of, lessons, moments_of
from wherewise.lessons.config import LessonsConfig
from wherewise.lessons.whisper import WhisperConfig, heard
from wherewise.samples.errors import DatasetError


def test_a_show_without_subtitles_is_written_down_once(tmp_path: Path) -> None:
    write_episode(tmp_path / "shows" / "S1" / "e.mp4")
    model = save_tiny_whisper(tmp_path / "model")
    settings = LessonsConfig.model_validate(
        {
            "root": tmp_path / "shows",
            "side": 64,
            "find_by": "silence",
            "whisper": {"model": model, "language": "english", "keep": tmp_path / "kept"},
        }
    )
    [episode] = episodes_of(settings)
    _, cues = moments_of(settings, episode, Account())
    assert cues
    assert all(0 <= cue.start < cue.end <= LENGTH + 0.1 and cue.text for cue in cues)
    assert [cue.start for cue in cues] == sorted(cue.start for cue in cues)
    [kept] = (tmp_path / "kept").iterdir()
    # A random model writes nonsense: put the true words in its place, as somebody who corrects it would.
    kept.write_text(srt(), encoding="utf-8")
    answers = [getattr(sample.answer, "value", "") for sample in lessons(settings, Account())]
    assert answers == ["Behind the tree!", "Five stars!", "Open!"]
    with pytest.raises(DatasetError, match="set `whisper`"):
        moments_of(settings.model_copy(update={"whisper": None}), episode, Account())


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(DatasetError, match=r"of type 'bert'.*Whisper"):
        heard(np.zeros(16_000, np.float32), WhisperConfig(model=str(tmp_path)))
