"""``wherewise chat``: ask a model about a picture or a clip in the browser, on this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wherewise.answers.styles import PromptConfig
    from wherewise.models.load import LoadedModel
    from wherewise.reports.chat_page import ChatAnswer, ChatQuestion
    from wherewise.samples import Sample

TRANSCRIPT = 4000
"""Characters of subtitles that go into a prompt; of longer ones the end is left out."""


def chat(
    model: Annotated[str, typer.Argument(help="'starter', a model folder, or a Hub name.")] = "starter",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 7860,
    prompt_style: Annotated[
        str | None, typer.Option(help="direct, think, scene_graph, grid_map or timeline; as the model was trained.")
    ] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest reply in tokens, to begin with.")] = 256,
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or auto.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
) -> None:
    """Ask a model about a picture or a clip, with subtitles, in any prompt style; what its reply claims is drawn.

    The page is served to this machine only. A model that was trained here starts with the prompt of its run.
    """
    import tempfile

    import gradio  # noqa: F401  # said at once if it is missing, before a model is loaded
    import uvicorn

    from wherewise.answers.coordinates import CODECS
    from wherewise.answers.styles import PromptStyle
    from wherewise.models.load import load_model
    from wherewise.reports.chat_page import HOSTS, build_app
    from wherewise.samples.errors import InputError

    if dtype not in ("auto", "float32", "bfloat16"):
        raise InputError(f"--dtype {dtype!r}: choose auto, float32 or bfloat16")
    prompt = trained_prompt(model)
    if prompt_style is not None:
        if prompt_style not in list(PromptStyle):
            raise InputError(f"--prompt-style {prompt_style!r}: choose {', '.join(PromptStyle)}")
        prompt = prompt.model_copy(update={"style": PromptStyle(prompt_style)})
    chosen = _free_port(HOSTS[0], port)
    loaded = load_model(model, dtype=dtype, device=device)  # type: ignore[arg-type]  # checked above
    with tempfile.TemporaryDirectory(prefix="wherewise-chat-") as uploads:
        app = build_app(
            lambda question: answer_question(loaded, question),
            title=f"wherewise chat: {'/'.join(Path(model).parts[-2:])}",
            styles=list(PromptStyle),
            codecs=list(CODECS),
            defaults={
                "style": prompt.style.value,
                "shown": prompt.options,
                "coordinates": prompt.coordinates,
                "think": prompt.think,
                "instruction": prompt.instruction is not False,
                "max_new_tokens": max_new_tokens,
                "frames": 16,
            },
            uploads=Path(uploads),
            port=chosen,
        )
        typer.echo(f"http://{HOSTS[0]}:{chosen}/\nthis address works on this machine only; Ctrl-C ends the server")
        uvicorn.run(app, host=HOSTS[0], port=chosen, log_level="warning")


def trained_prompt(model: str) -> PromptConfig:
    """The prompt of the run that a model folder belongs to (``RUN/final``); the default one for other models."""
    import pydantic

    from wherewise.answers.styles import PromptConfig
    from wherewise.reports.rollouts import run_config
    from wherewise.samples.errors import InputError

    folder = Path(model)
    settings = run_config(folder.parent) if folder.is_dir() else {}
    try:
        return PromptConfig.model_validate(settings.get("prompt") or {})
    except pydantic.ValidationError as error:
        raise InputError(f"{folder.parent / 'config.resolved.yaml'}: prompt: {error}; correct or delete it") from error


def answer_question(loaded: LoadedModel, question: ChatQuestion) -> ChatAnswer:
    """Ask the model, read its reply and draw what it claims.

    Raises:
        ValueError: The question lacks something, a file cannot be read, or the prompt does not fit the model.
    """
    from wherewise.answers.parse import parse
    from wherewise.answers.styles import PromptConfig, render_prompt
    from wherewise.reports.chat_page import ChatAnswer

    prompt = PromptConfig.model_validate(
        {
            "style": question.style,
            "options": question.shown,
            "coordinates": question.coordinates,
            "think": question.think,
            "instruction": question.instruction,
        }
    )
    sample = sample_of(question)
    text = render_prompt(sample, prompt)
    seen = _seen(sample, question.frames)
    reply, whole, size = generate(loaded, text, seen, max_new_tokens=question.max_new_tokens)
    parsed = parse(sample.answer.kind, reply, options=sample.options, style=prompt.style)
    said = parsed.value
    if sample.options and isinstance(said, str) and len(said) == 1:
        said = f"{said}. {sample.options[ord(said) - ord('A')]}"
    return ChatAnswer(
        reply=reply if whole else f"{reply} … (cut at the longest reply)",
        answer="" if said is None else str(said),
        prompt=text,
        pictures=_pictures(seen, reply, prompt, size),
    )


def sample_of(question: ChatQuestion) -> Sample:
    """The question as a sample; its gold answer only says of what kind an answer is.

    Raises:
        ValueError: There is no question, no picture or clip or both, or the subtitles cannot be read.
    """
    from wherewise.samples import Choice, Image, Sample, Text, Video

    if not question.text:
        raise ValueError("write a question")
    if (question.image is None) == (question.video is None):
        raise ValueError("give a picture or a clip, one of the two")
    text = question.text
    if question.subtitles is not None:
        from wherewise.lessons.subtitles import read_subtitles

        said = " ".join(cue.text for cue in read_subtitles(question.subtitles))
        text = f"Transcript:\n{said[:TRANSCRIPT]}\n\n{text}"
    media: Any = (
        Image(data=question.image.read_bytes())
        if question.image is not None
        else Video(data=question.video.read_bytes() if question.video else None)
    )
    options = question.options
    return Sample(
        id="chat",
        media=(media,),
        question=text,
        options=options,
        answer=Choice(letter="A", text=options[0]) if options else Text(value="?"),
        task="chat",
        group="chat",
    )


def generate(
    loaded: LoadedModel, text: str, seen: Any, *, max_new_tokens: int
) -> tuple[str, bool, tuple[int, int] | None]:
    """The likeliest reply to a user's turn about one picture or clip.

    Returns:
        The reply, whether the model ended it itself, and ``(width, height)`` of the picture as the model saw it.

    Raises:
        ValueError: The text holds control tokens of the model.
    """
    from wherewise.evaluation.providers.greedy import greedy_replies
    from wherewise.models.forward import watch_vision
    from wherewise.models.inputs import collate, encode_prompt, end_token_ids, padding_id, vision_token_ids
    from wherewise.training.data import seen_size

    model, processor = loaded.model, loaded.processor
    pad, ends = padding_id(processor), end_token_ids(processor)
    encoded = encode_prompt(processor, text, [seen], sample_id="chat")
    batch = collate([encoded], pad_id=pad, device=next(model.parameters()).device)
    with watch_vision(model, batch):
        (ids,) = greedy_replies(
            model,
            batch,
            max_new_tokens=max_new_tokens,
            end_ids=ends,
            pad_id=pad,
            banned_ids=vision_token_ids(processor),
        )
    ended = ids[-1] in ends
    return (
        processor.tokenizer.decode(ids[:-1] if ended else ids, skip_special_tokens=True),
        ended,
        seen_size(encoded, processor),
    )


def _seen(sample: Sample, frames: int) -> Any:
    """The decoded picture, or the frames of the clip."""
    from wherewise.evaluation.protocol import MediaLimits
    from wherewise.evaluation.providers.shown import load_clip
    from wherewise.media.image import load_image
    from wherewise.samples import Image

    medium = sample.media[0]
    if isinstance(medium, Image):
        return load_image(medium, None, sample_id=sample.id)
    return load_clip(medium, MediaLimits(frames=frames), Path(), sample_id=sample.id)


def _pictures(seen: Any, reply: str, prompt: PromptConfig, size: tuple[int, int] | None) -> list[tuple[Any, str]]:
    """What the model saw: the picture with the reply's boxes, or the frames with their times."""
    from PIL import Image as PILImage

    from wherewise.reports.claims import claims_of_reply
    from wherewise.reports.overlay import draw_claims

    if isinstance(seen, PILImage.Image):
        claim = claims_of_reply(reply, prompt.codec, seen.size, size)
        return [(draw_claims(seen, claim.get("boxes", [])), "")]
    return [(PILImage.fromarray(f), f"{t:.2f} s") for f, t in zip(seen.array, seen.times, strict=True)]


def _free_port(address: str, port: int) -> int:
    """The port, or a free one for 0.

    Raises:
        InputError: It is taken.
    """
    import socket

    from wherewise.samples.errors import InputError

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise InputError(f"port {port} of {address}: {error.strerror}; try --port 0 for a free one") from error
        return int(probe.getsockname()[1])
