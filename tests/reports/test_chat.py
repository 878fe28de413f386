"""Asking a model about a picture or clip: prompt, reply, claims drawn; and the Gradio page where gradio is."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gallery_data
import numpy as np
import pytest
import yaml
from PIL import Image as PILImage

from wherewise.cli.chat import answer_question, sample_of, trained_prompt
from wherewise.cli.main import run as command
from wherewise.reports.chat_page import ChatAnswer, ChatQuestion, build_app
from wherewise.reports.overlay import CLAIM, draw_claims
from wherewise.samples.errors import InputError

if TYPE_CHECKING:
    from wherewise.models.load import LoadedModel

SUBTITLES = "1\n00:00:00,000 --> 00:00:01,000\nLook at the lamp.\n"
DEFAULTS: dict[str, Any] = {
    "style": "scene_graph",
    "shown": "none",
    "coordinates": "tenths",
    "think": False,
    "instruction": False,
    "max_new_tokens": 24,
    "frames": 4,
}


@pytest.fixture(scope="module")
def starter() -> LoadedModel:
    from wherewise.models.load import load_model

    return load_model("starter", dtype="float32")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    (tmp_path / "p.jpg").write_bytes(gallery_data.picture())
    return tmp_path / "p.jpg"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    (tmp_path / "c.mp4").write_bytes(gallery_data.clip())
    return tmp_path / "c.mp4"


def question(**more: Any) -> ChatQuestion:
    plain = {"text": "Is the lamp left?", "options": (), "image": None, "video": None, "subtitles": None}
    return ChatQuestion(**{**plain, **DEFAULTS, **more})


def test_a_picture_is_answered_and_the_claims_are_drawn(starter: LoadedModel, picture: Path) -> None:
    found = answer_question(starter, question(text="Where is the red chair?", image=picture))
    assert found.reply.startswith("<scene>")
    assert found.prompt == "Where is the red chair?"
    ((drawn, caption),) = found.pictures
    assert (drawn.size, caption) == ((480, 320), "")
    assert found == answer_question(starter, question(text="Where is the red chair?", image=picture))


def test_options_style_and_instruction_reach_the_prompt(starter: LoadedModel, picture: Path) -> None:
    asked = question(options=("left", "right"), shown="letters", style="direct", instruction=True, image=picture)
    found = answer_question(starter, asked)
    assert "A. left\nB. right" in found.prompt
    assert found.answer in ("", "A. left", "B. right")


def test_a_clip_is_shown_with_its_times_and_subtitles(starter: LoadedModel, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "s.srt").write_text(SUBTITLES)
    found = answer_question(starter, question(video=clip, subtitles=tmp_path / "s.srt", max_new_tokens=2))
    assert found.prompt == "Transcript:\nLook at the lamp.\n\nIs the lamp left?"
    assert found.pictures[0][1] == "0.00 s"
    assert len(found.pictures) == 4
    assert found.reply.endswith("(cut at the longest reply)")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"text": ""}, "write a question"),
        ({}, "a picture or a clip"),
        ({"image": Path("a"), "video": Path("b")}, "one of the two"),
    ],
)
def test_what_lacks_is_said(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        sample_of(question(**more))


def test_a_file_that_is_no_picture_and_control_tokens_are_refused(starter: LoadedModel, picture: Path) -> None:
    with pytest.raises(ValueError, match="control"):
        answer_question(starter, question(text="<|im_end|>", image=picture))
    picture.write_text("not a picture")
    with pytest.raises(ValueError, match="picture"):
        answer_question(starter, question(image=picture))


def test_a_trained_model_starts_with_the_prompt_of_its_run(tmp_path: Path) -> None:
    (tmp_path / "final").mkdir()
    (tmp_path / "config.resolved.yaml").write_text(yaml.safe_dump({"prompt": {"style": "think", "options": "words"}}))
    prompt = trained_prompt(str(tmp_path / "final"))
    assert (prompt.style, prompt.options) == ("think", "words")
    assert trained_prompt("starter").style == "direct"
    (tmp_path / "config.resolved.yaml").write_text(yaml.safe_dump({"prompt": {"style": "ghost"}}))
    with pytest.raises(InputError, match=r"config\.resolved\.yaml"):
        trained_prompt(str(tmp_path / "final"))


def test_boxes_are_dashed_and_stay_inside() -> None:
    grey = PILImage.new("RGB", (2000, 1000), (128, 128, 128))
    boxes = [{"label": "chair", "box": [200, 200, 1000, 800]}, {"label": "far", "box": [-900, 900, 9000, 9000]}]
    drawn = draw_claims(grey, boxes)
    assert drawn.size == (1280, 640)
    edge = np.asarray(drawn)[round(200 * 0.64), 140:600]
    red = (np.abs(edge.astype(int) - CLAIM).sum(1) < 60).mean()
    white = (edge.astype(int).sum(1) > 740).mean()
    assert red > 0.4
    assert white > 0.2
    assert np.asarray(drawn)[300, 400].tolist() == [128, 128, 128]
    assert np.asarray(grey).std() == 0


def test_without_gradio_the_command_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gradio", None)
    assert command(["chat", "starter"]) == 1
    assert "wherewise[chat]" in capsys.readouterr().err


# --- the page itself, where gradio is installed ---------------------------------------------------------------------


@pytest.fixture
def address(starter: LoadedModel, tmp_path: Path) -> Iterator[str]:
    pytest.importorskip("gradio", reason="gradio is not installed: pip install 'wherewise[chat]'")
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn comes with gradio")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def ask(asked: ChatQuestion) -> ChatAnswer:
        return answer_question(starter, dataclasses.replace(asked, max_new_tokens=24))

    app = build_app(
        ask,
        title="wherewise chat: starter",
        styles=["direct", "scene_graph"],
        codecs=["tenths"],
        defaults=DEFAULTS,
        uploads=tmp_path / "uploads",
        port=port,
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join()


def status(address: str, host: str | None = None) -> int:
    request = urllib.request.Request(address, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.slow
def test_page_loads_and_a_client_gets_an_answer(address: str, picture: Path) -> None:
    client_module = pytest.importorskip("gradio_client")
    assert status(address) == 200
    assert status(address, "localhost:9000") == 200
    for host in ("evil.example", "127.0.0.1.evil.example"):
        assert status(address, host) == 400
    assert status(f"{address}gradio_api/file=/etc/passwd") in (403, 404)
    assert status(f"{address}docs") == 404
    client = client_module.Client(address, verbose=False)
    sent = client_module.handle_file(str(picture))
    settings = list(DEFAULTS.values())
    shown, answer, reply, prompt = client.predict(
        sent, None, None, "Where is the lamp?", "", *settings, api_name="/ask"
    )
    assert reply.startswith("<scene>")
    assert isinstance(answer, str)
    assert prompt == "Where is the lamp?"
    assert len(shown) == 1
    with pytest.raises(Exception, match="write a question"):
        client.predict(sent, None, None, " ", "", *settings, api_name="/ask")


@pytest.mark.slow
@pytest.mark.browser
def test_page_asks_nothing_of_the_outside(address: str) -> None:
    from chromium import chromium

    with chromium() as tab:
        tab.open(address)
        end = time.monotonic() + 60
        while not tab.run("[...document.querySelectorAll('button')].some(each => each.textContent.trim() === 'ask')"):
            assert time.monotonic() < end
            time.sleep(0.1)
        outside = {each for each in tab.requests if not each.startswith(("data:", "blob:", address))}
        assert outside == set()
        assert tab.problems == []
