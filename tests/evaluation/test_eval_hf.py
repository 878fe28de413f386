"""A real tiny Qwen3-VL answers pictures and clips; real BLINK records and replies run end to end."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from evaluation_builders import BLINK_DATA, benchmark_of, choice_sample, png

from wherewise.answers.styles import PromptConfig
from wherewise.evaluation.load import load_benchmark
from wherewise.evaluation.protocol import Decoding, EvalConfig, MediaLimits, build_requests
from wherewise.evaluation.providers import ReplayProvider
from wherewise.evaluation.records import read_predictions
from wherewise.evaluation.runner import run_benchmark
from wherewise.evaluation.specs import get_benchmark
from wherewise.samples import Image, Number, Sample, Video

torch = pytest.importorskip("torch")

from wherewise.evaluation.providers.greedy import greedy_replies  # noqa: E402
from wherewise.evaluation.providers.hf import HfProvider, shrink  # noqa: E402
from wherewise.models.batch import EncodedPrompt, collate  # noqa: E402
from wherewise.models.inputs import end_token_ids, padding_id, vision_token_ids  # noqa: E402
from wherewise.models.load import Family, LoadedModel, save_model  # noqa: E402
from wherewise.models.tiny import build_tiny  # noqa: E402

DECODING = Decoding(max_new_tokens=6)


@pytest.fixture(scope="module")
def tiny() -> LoadedModel:
    # Untied embeddings: a random tied model repeats the prompt's last token whatever it sees.
    model, processor = build_tiny("qwen3_vl", tie_embeddings=False, initializer_range=0.3, max_pixels=128 * 128)
    return LoadedModel(model=model, processor=processor, family=Family.QWEN3_VL, name="tiny")


def provider_of(tiny: LoadedModel, *, batch_size: int = 16, **media: Any) -> HfProvider:
    return HfProvider(tiny, media=MediaLimits(**media), decoding=DECODING, batch_size=batch_size)


def picture_samples() -> list[Sample]:
    sizes = [(64, 48), (120, 40), (32, 96), (100, 100), (64, 48)]
    return [
        choice_sample(f"p{i}", media=tuple(Image(data=png((50 * i, 10, 200 - 40 * i), size)) for _ in range(1 + i % 2)))
        for i, size in enumerate(sizes)
    ]


def test_batched_replies_equal_single_ones(tiny: LoadedModel, tmp_path: Path) -> None:
    requests = build_requests(benchmark_of(picture_samples(), tmp_path), EvalConfig())
    together = provider_of(tiny).generate(requests)
    alone = [provider_of(tiny).generate([request])[0] for request in requests]
    assert together == alone
    assert len({reply.text for reply in together}) > 1
    assert all(reply.tokens > 0 for reply in together)
    assert all(reply.tokens == DECODING.max_new_tokens for reply in together if reply.truncated)
    assert all(not reply.truncated for reply in together if reply.tokens < DECODING.max_new_tokens)


def test_greedy_replies_are_those_of_generate(tiny: LoadedModel, tmp_path: Path) -> None:
    samples = [*picture_samples(), choice_sample("blind", media=())]
    requests = build_requests(benchmark_of(samples, tmp_path), EvalConfig())
    provider = HfProvider(tiny, media=MediaLimits(), decoding=Decoding(max_new_tokens=12))
    encoded = [item for item in provider._encode_all(requests) if isinstance(item, EncodedPrompt)]
    ends, pad = end_token_ids(tiny.processor), padding_id(tiny.processor)
    banned = vision_token_ids(tiny.processor)
    batch = collate(encoded, pad_id=pad)
    with torch.inference_mode():
        output = tiny.model.generate(
            **batch.model_inputs(),
            max_new_tokens=12,
            do_sample=False,
            eos_token_id=list(ends),
            pad_token_id=pad,
            suppress_tokens=list(banned),
        )
    expected = output[:, batch.input_ids.shape[1] :].tolist()
    # Tokens that some rows reach early stand in for the end of a reply, so that rows leave the batch one by one.
    early = sorted({row[step] for row, step in zip(expected, range(1, 7), strict=True)})
    for stops in (ends, early):
        found = greedy_replies(tiny.model, batch, max_new_tokens=12, end_ids=stops, pad_id=pad, banned_ids=banned)
        cut = [next((i for i, token in enumerate(row) if token in stops), 11) for row in expected]
        assert found == [row[: end + 1] for row, end in zip(expected, cut, strict=True)]
    assert len({len(row) for row in found}) > 1


def test_questions_that_share_a_picture_stand_together_and_show_it_once(tiny: LoadedModel, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    pictures = []
    for side in (64, 96, 80):
        stream = io.BytesIO()
        PIL.Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(stream, "PNG")
        pictures.append(Image(data=stream.getvalue()))
    samples = [
        dataclasses.replace(choice_sample(f"q{i}", media=(pictures[i % 3],)), question=f"Where is cup {'x' * i}?")
        for i in range(9)
    ]
    requests = build_requests(benchmark_of(samples, tmp_path), EvalConfig())
    alone = {r.sample_id: provider_of(tiny).generate([r])[0] for r in requests}
    frozen = [parameter for parameter in tiny.model.parameters() if parameter.requires_grad]
    tiny.model.requires_grad_(False)
    try:
        provider = provider_of(tiny, batch_size=4)
        ordered = provider.order(requests)
        assert [[r.media[0] for r in ordered].index(picture) for picture in pictures] == [6, 0, 3]
        found = {r.sample_id: reply for answers in provider.stream(ordered) for r, reply in answers}
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)
    assert found == alone
    assert (provider.features.encoded, provider.features.reused) == (3, 6)


def test_an_unreadable_picture_in_a_later_batch_fails_alone(tiny: LoadedModel, tmp_path: Path) -> None:
    samples = [*picture_samples(), choice_sample("broken", media=(Image(data=png()[:60]),))]
    provider = provider_of(tiny, batch_size=2)
    requests = build_requests(benchmark_of(samples, tmp_path), EvalConfig())
    answers = [pair for batch in provider.stream(provider.order(requests)) for pair in batch]
    assert [r.sample_id for r, _ in answers] == [r.sample_id for r in provider.order(requests)]
    assert [r.sample_id for r, reply in answers if reply.error] == ["broken"]


def test_the_picture_reaches_the_model(tiny: LoadedModel, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples = []
    for i in range(4):
        stream = io.BytesIO()
        PIL.Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(stream, "PNG")
        samples.append(choice_sample(f"n{i}", media=(Image(data=stream.getvalue()),)))
    benchmark = benchmark_of(samples, tmp_path)
    seen = provider_of(tiny).generate(build_requests(benchmark, EvalConfig()))
    blind = provider_of(tiny).generate(build_requests(benchmark, EvalConfig(media=MediaLimits(blind=True))))
    assert len({reply.text for reply in blind}) == 1
    assert len({reply.text for reply in seen}) > 1


def test_a_damaged_picture_fails_alone_and_counts(tiny: LoadedModel, tmp_path: Path) -> None:
    samples = picture_samples()
    broken = choice_sample("broken", media=(Image(data=png()[:60]),))
    gone = choice_sample("control", media=(Image(data=png()),))
    gone = dataclasses.replace(gone, question="Where is the <|image_pad|>?")
    summary = run_benchmark(
        benchmark_of([*samples, broken, gone], tmp_path), provider_of(tiny), EvalConfig(), tmp_path / "out"
    )
    assert summary.failed == pytest.approx(2 / 7)
    errors = {p.id: p.error for p in read_predictions(tmp_path / "out" / "predictions.jsonl") if p.error}
    assert set(errors) == {"broken", "control"}
    assert "damaged" in str(errors["broken"]) or "truncated" in str(errors["broken"])
    assert "control token" in str(errors["control"])


def test_clips_are_sampled_and_answered(tiny: LoadedModel, tmp_path: Path) -> None:
    pytest.importorskip("av")
    from wherewise.media.video import encode_video

    frames = np.zeros((12, 48, 64, 3), np.uint8)
    frames[:, :, :32] = np.arange(12, dtype=np.uint8)[:, None, None, None] * 20
    (tmp_path / "clip.mp4").write_bytes(encode_video(frames, 4.0))
    clip = Video(path="clip.mp4")
    samples = [choice_sample("v0", media=(clip,)), choice_sample("p0", media=(Image(data=png()),))]
    requests = build_requests(benchmark_of(samples, tmp_path), EvalConfig())
    replies = provider_of(tiny, frames=4).generate(requests)
    assert [reply.error for reply in replies] == [None, None]
    decoded = provider_of(tiny, frames=4, max_pixels=24 * 32)._decode(clip, requests[0])
    assert decoded.array.shape == (4, 24, 32, 3)  # type: ignore[union-attr]
    named = provider_of(tiny)._decode(Video(path="clip.mp4", frame_times=(0.0, 1.0)), requests[0])
    assert tuple(named.times) == pytest.approx((0.0, 1.0))  # type: ignore[union-attr]


def test_large_requests_come_first(tiny: LoadedModel, tmp_path: Path) -> None:
    requests = build_requests(benchmark_of(picture_samples(), tmp_path), EvalConfig())
    ordered = provider_of(tiny).order(requests)
    assert ordered[0].sample_id == "p3"
    assert sorted(r.sample_id for r in ordered) == sorted(r.sample_id for r in requests)


def test_the_fingerprint_follows_the_weights(tiny: LoadedModel, tmp_path: Path) -> None:
    first = provider_of(tiny).fingerprint
    save_model(tiny.model, tiny.processor, tmp_path / "saved")
    again = HfProvider.load(tmp_path / "saved", media=MediaLimits(), decoding=DECODING, device="cpu")
    assert again.fingerprint == HfProvider.load(tmp_path / "saved", media=MediaLimits(), decoding=DECODING).fingerprint
    with torch.no_grad():
        weight = next(tiny.model.parameters())
        weight[0] += 1
        changed = provider_of(tiny).fingerprint
        weight[0] -= 1
    assert changed != first


def test_shrinking_keeps_the_shape() -> None:
    picture = PIL.Image.new("RGB", (400, 100))
    assert shrink(picture, None) is picture
    assert shrink(picture, 40_000) is picture
    small = shrink(picture, 10_000)
    assert small.size == (200, 50)


def test_real_replies_score_as_the_official_extraction(tmp_path: Path) -> None:
    if not BLINK_DATA.is_dir():
        pytest.skip("the BLINK records are not beside the repository")
    replies = BLINK_DATA / "val_predictions.jsonl.gz"
    benchmark = load_benchmark(get_benchmark("blink"), BLINK_DATA)
    ids = {sample.id for sample in benchmark.samples}
    official: dict[str, list[bool]] = {}
    with gzip.open(replies, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["idx"] in ids:
                official.setdefault(row["model"], []).append(row["prediction"] == row["answer"])
    assert len(official) == 10
    for model in ("GPT4o", "llava-v1.6-34b", "Yi_VL_6B"):
        provider = ReplayProvider(replies, id_field="idx", reply_field="full_prediction", where={"model": model})
        summary = run_benchmark(benchmark, provider, EvalConfig(), tmp_path / model)
        assert summary.micro.estimate.score == pytest.approx(sum(official[model]) / 267, abs=0.01), model
        assert summary.failed == 0


@pytest.mark.slow
def test_all_blink_records_run_on_the_tiny_model(tiny: LoadedModel, tmp_path: Path) -> None:
    if not BLINK_DATA.is_dir():
        pytest.skip("the BLINK records are not beside the repository")
    benchmark = load_benchmark(get_benchmark("blink"), BLINK_DATA)
    summary = run_benchmark(benchmark, provider_of(tiny, max_pixels=128 * 128), EvalConfig(), tmp_path / "out")
    assert summary.micro.estimate.n == 267
    assert summary.failed == 0
    assert {task: scored.estimate.n for task, scored in summary.tasks.items()} == {
        "Relative_Depth": 124,
        "Spatial_Relation": 143,
    }


def test_the_likeliest_letter_is_the_one_that_the_logits_favour(tiny: LoadedModel, tmp_path: Path) -> None:
    samples = picture_samples()
    requests = build_requests(benchmark_of(samples, tmp_path), EvalConfig())
    by_letter = HfProvider(tiny, media=MediaLimits(), decoding=Decoding(strategy="letter"))
    replies = by_letter.generate(requests)
    for sample, request, reply in zip(samples, requests, replies, strict=True):
        content = [*({"type": "image"} for _ in sample.media), {"type": "text", "text": request.text}]
        prompt = tiny.processor.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        encoded = [medium.data for medium in sample.media if isinstance(medium, Image)]
        pictures = [PIL.Image.open(io.BytesIO(data or b"")).convert("RGB") for data in encoded]
        inputs = tiny.processor(text=[prompt], images=pictures, return_tensors="pt")
        with torch.inference_mode():
            logits = tiny.model(**inputs).logits[0, -1]
        letters = "ABCDEFGH"[: len(sample.options)]
        ids = [tiny.processor.tokenizer.convert_tokens_to_ids(letter) for letter in letters]
        assert reply.text == letters[int(logits[ids].argmax())]
        assert not reply.truncated


def test_letters_need_a_multiple_choice_question_that_shows_them(tiny: LoadedModel, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs options shown as letters"):
        EvalConfig(prompt=PromptConfig(options="none"), decoding=Decoding(strategy="letter"))
    sample = dataclasses.replace(picture_samples()[0], options=(), answer=Number(value=2.0))
    by_letter = HfProvider(tiny, media=MediaLimits(), decoding=Decoding(strategy="letter"))
    reply = by_letter.generate(build_requests(benchmark_of([sample], tmp_path), EvalConfig()))[0]
    assert reply.error is not None
    assert "not a multiple-choice question" in reply.error
