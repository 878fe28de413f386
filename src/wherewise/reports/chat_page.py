"""The page of ``wherewise chat``: a Gradio app behind a server of this machine alone.

Gradio is imported here only, inside the functions; nothing is told to its makers (analytics are off), no font or script
comes from elsewhere, and uploads go to a folder that ends with the server.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as PILImage

HOSTS = ["127.0.0.1", "localhost"]
"""Names that a request may be addressed to; others (DNS rebinding) are refused."""

UPLOAD_LIMIT = "500mb"
"""Largest uploaded file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatQuestion:
    """What was filled in.

    Attributes:
        text: The question.
        options: Its options; empty for a free answer.
        image: File of a picture, or None.
        video: File of a clip, or None.
        subtitles: File of subtitles, or None.
        style: Name of the prompt style.
        shown: How options are shown: ``letters``, ``words`` or ``none``.
        coordinates: Codec of places.
        think: Ask for reasoning between the evidence and the answer.
        instruction: Add the style's instruction.
        max_new_tokens: Longest reply.
        frames: Most frames of a clip.
    """

    text: str
    options: tuple[str, ...]
    image: Path | None
    video: Path | None
    subtitles: Path | None
    style: str
    shown: str
    coordinates: str
    think: bool
    instruction: bool
    max_new_tokens: int
    frames: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatAnswer:
    """What is shown.

    Attributes:
        reply: The model's reply, whole.
        answer: What was read from it as its answer; empty where there is none.
        prompt: The user's turn as the model was asked it.
        pictures: What the model saw, with the reply's claims drawn, and captions.
    """

    reply: str
    answer: str
    prompt: str
    pictures: Sequence[tuple[PILImage.Image, str]]


def build_app(
    ask: Callable[[ChatQuestion], ChatAnswer],
    *,
    title: str,
    styles: Sequence[str],
    codecs: Sequence[str],
    defaults: dict[str, Any],
    uploads: Path,
    port: int,
) -> Any:
    """The web app, to be run by uvicorn.

    Args:
        ask: Answers a question; what it raises as ValueError is shown to the user.
        title: Heading.
        styles: Prompt styles to choose from.
        codecs: Codecs of places to choose from.
        defaults: Values of `ChatQuestion` to begin with: style, shown, coordinates, think, instruction, max_new_tokens,
            frames.
        uploads: Folder for what is uploaded.
        port: Port on 127.0.0.1, for the page's own links.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    import gradio as gr
    from fastapi import FastAPI
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    def answer(
        image: str | None, video: str | None, subtitles: str | None, text: str, options: str, *settings: Any
    ) -> tuple[Any, ...]:
        names = ("style", "shown", "coordinates", "think", "instruction", "max_new_tokens", "frames")
        chosen = dict(zip(names, settings, strict=True))
        question = ChatQuestion(
            text=text.strip(),
            options=tuple(line.strip() for line in options.splitlines() if line.strip()),
            image=Path(image) if image else None,
            video=Path(video) if video else None,
            subtitles=Path(subtitles) if subtitles else None,
            **{**chosen, "max_new_tokens": int(chosen["max_new_tokens"]), "frames": int(chosen["frames"])},
        )
        try:
            found = ask(question)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return list(found.pictures), found.answer, found.reply, found.prompt

    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True) as page:
        gr.Textbox(value=title, show_label=False, interactive=False, container=False, elem_id="heading")
        with gr.Row():
            with gr.Column(min_width=300):
                with gr.Tab("a picture"):
                    image = gr.Image(type="filepath", format="png", label="picture", sources=["upload", "clipboard"])
                with gr.Tab("a clip"):
                    video = gr.Video(label="clip", sources=["upload"])
                    subtitles = gr.File(label="subtitles (srt, vtt, ass)", file_types=[".srt", ".vtt", ".ass", ".ssa"])
                text = gr.Textbox(label="question", lines=2)
                options = gr.Textbox(label="options, one a line; none for a free answer", lines=3)
                with gr.Accordion("how it is asked", open=False):
                    settings = [
                        gr.Dropdown(list(styles), value=defaults["style"], label="prompt style"),
                        gr.Dropdown(["letters", "words", "none"], value=defaults["shown"], label="options shown as"),
                        gr.Dropdown(list(codecs), value=defaults["coordinates"], label="places written as"),
                        gr.Checkbox(value=defaults["think"], label="ask for reasoning behind the evidence"),
                        gr.Checkbox(value=defaults["instruction"], label="add the style's instruction"),
                        gr.Slider(1, 4096, value=defaults["max_new_tokens"], step=1, label="longest reply, tokens"),
                        gr.Slider(2, 128, value=defaults["frames"], step=1, label="most frames of a clip"),
                    ]
                button = gr.Button("ask", variant="primary")
            with gr.Column(min_width=300):
                shown = gr.Gallery(
                    label="what the model saw; dashed: what its reply claims",
                    height=560,
                    preview=True,
                    object_fit="contain",
                    format="png",
                    interactive=False,
                )
                read = gr.Textbox(label="answer as read", interactive=False)
                reply = gr.Textbox(label="whole reply", lines=6, interactive=False)
                with gr.Accordion("what it was asked", open=False):
                    prompt = gr.Textbox(label="the user's turn", lines=6, interactive=False)
        inputs, outputs = [image, video, subtitles, text, options, *settings], [shown, read, reply, prompt]
        button.click(answer, inputs, outputs, api_name="ask")
        text.submit(answer, inputs, outputs, api_name=False)
    page.queue(default_concurrency_limit=1, max_size=16)
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    return gr.mount_gradio_app(
        app,
        page,
        path="/",
        server_name=HOSTS[0],
        server_port=port,
        footer_links=[],
        ssr_mode=False,
        enable_monitoring=False,
        max_file_size=UPLOAD_LIMIT,
        theme=gr.themes.Default(**fonts),
        css="#heading textarea {font-size: 1.3rem; font-weight: 600; border: none; background: none; resize: none}",
    )
