"""Every entry point that reads what users bring: a folder of real files for each, and the call that reads it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """One way into the project.

    Attributes:
        make: Writes the undamaged files into a folder.
        read: Reads them; it gets the folder and the damaged file.
        damaged: Pattern of the files that are damaged.
    """

    make: Callable[[Path], None]
    read: Callable[[Path, Path], object]
    damaged: str = "*"


def picture(mode: str = "RGB", size: tuple[int, int] = (48, 36)) -> PIL.Image.Image:
    """A small picture with something in it."""
    y, x = np.mgrid[: size[1], : size[0]]
    array = np.stack([x * 5 % 256, y * 7 % 256, (x + y) * 3 % 256], axis=-1).astype(np.uint8)
    return PIL.Image.fromarray(array).convert(mode)


def saved(image: PIL.Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def clip(form: str = "mp4", codec: str = "libx264", *, seconds: float = 6.0, sound: str | None = "aac") -> bytes:
    """A small clip whose sound pauses between the seconds 2 and 4."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream(codec, rate=4)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        track = container.add_stream(sound, rate=16_000) if sound else None
        for k in range(int(seconds * 4)):
            array = np.roll(np.asarray(picture(size=(48, 32))), 3 * k, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format="rgb24")))
        container.mux(stream.encode(None))
        if track is not None:
            time = np.arange(int(seconds * 16_000)) / 16_000
            loud = (0.3 * np.sin(2 * np.pi * 220 * time) * ((time < 2) | (time > 4))).astype(np.float32)
            resampler = av.AudioResampler(format=track.codec_context.format.name, layout="mono", rate=16_000)
            frame = av.AudioFrame.from_ndarray(loud.reshape(1, -1), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, 0
            fifo = av.AudioFifo()
            for piece in resampler.resample(frame):
                fifo.write(piece)
            while (piece := fifo.read(track.codec_context.frame_size or 1024, partial=True)) is not None:
                container.mux(track.encode(piece))
            container.mux(track.encode(None))
    return buffer.getvalue()


SRT = (
    "1\n00:00:00,100 --> 00:00:01,000\nWe have to get to the tall mountain!\n\n"
    "2\n00:00:01,200 --> 00:00:02,000\nDo you see <i>the bridge</i>?\n\n"
    "3\n00:00:04,000 --> 00:00:05,000\nRight! Behind the tree!\n\n"
)
LABEL = {
    "id": "q1",
    "question_text": "Do you see the bridge?",
    "question_start_ts": "00:00:01,200",
    "question_end_ts_id": "00:00:02,000",
    "pause_start": "00:00:02,000",
    "pause_end": "00:00:04,000",
    "has_answer": True,
    "answer_text": "♪ Behind the tree! ♪",
    "answer_start_ts_id": "00:00:04,000",
    "answer_end_ts_id": "00:00:05,000",
    "transcript": "We have to get to the tall mountain!",
}


# --- pictures, clips, sound


def _pictures(folder: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0xA405] = 28
    (folder / "a.png").write_bytes(saved(picture("RGBA"), "PNG"))
    (folder / "b.png").write_bytes(saved(picture("P"), "PNG", exif=exif))
    (folder / "c.png").write_bytes(saved(PIL.Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40)), "PNG"))
    (folder / "d.jpg").write_bytes(saved(picture(), "JPEG", exif=exif))
    (folder / "e.jpg").write_bytes(saved(picture("CMYK"), "JPEG", progressive=True))
    (folder / "f.webp").write_bytes(saved(picture("RGBA"), "WEBP", lossless=True))
    (folder / "g.webp").write_bytes(saved(picture(), "WEBP", exif=exif))


def _read_pictures(folder: Path, damaged: Path) -> None:
    from wherewise.media import content_hash, image_size, load_image
    from wherewise.perception.cameras import read_exif
    from wherewise.samples import Image

    image = Image(path=damaged.name)
    _each(
        lambda: load_image(image, folder),
        lambda: image_size(image, folder),
        lambda: content_hash(image, folder),
        lambda: read_exif(damaged),
    )


def _each(*calls: Callable[[], object]) -> None:
    """Make all calls, though some may refuse their input; then raise the first refusal, if there was one."""
    from wherewise.samples.errors import InputError

    refusals = []
    for call in calls:
        try:
            call()
        except InputError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]


def _clips(folder: Path) -> None:
    (folder / "a.mp4").write_bytes(clip())
    (folder / "b.mkv").write_bytes(clip("matroska", "libx264", sound="libopus", seconds=4))
    (folder / "c.avi").write_bytes(clip("avi", "mpeg4", sound="mp2", seconds=4))
    (folder / "d.webm").write_bytes(clip("webm", "libvpx-vp9", sound=None, seconds=2))


def _read_clips(folder: Path, damaged: Path) -> None:
    from wherewise.media import load_frames, probe
    from wherewise.samples import Video

    video = Video(path=damaged.name)
    _each(
        lambda: probe(video, folder),
        lambda: load_frames(video, folder, max_frames=4),
        lambda: load_frames(video, folder, fps=1.0),
        lambda: load_frames(video, folder, times=(0.5, 1.5, 1.0)),
    )


def _sounds(folder: Path) -> None:
    _clips(folder)
    (folder / "d.webm").unlink()


def _read_sounds(folder: Path, damaged: Path) -> None:
    from wherewise.lessons.silence import SilenceConfig, levels, silences
    from wherewise.samples import Video

    silences(levels(Video(path=damaged.name), folder), SilenceConfig())


# --- lessons


def _subtitles(folder: Path) -> None:
    import pysubs2

    for suffix in ("srt", "vtt", "ass"):
        pysubs2.SSAFile.from_string(SRT).save(str(folder / f"a.{suffix}"))


def _read_subtitles(folder: Path, damaged: Path) -> None:
    from wherewise.lessons.subtitles import DetectConfig, find_moments, read_subtitles, transcript_before

    cues = read_subtitles(damaged)
    for moment in find_moments(cues, DetectConfig()):
        transcript_before(cues, moment, seconds=30)


def _labels(folder: Path) -> None:
    (folder / "a.json").write_text(json.dumps([LABEL, {**LABEL, "id": "q2", "has_answer": False}]), encoding="utf-8")


def _read_labels(folder: Path, damaged: Path) -> None:
    from wherewise.lessons.labels import read_labels

    read_labels(damaged)


def _lessons(folder: Path) -> None:
    season = folder / "S1"
    season.mkdir()
    (season / "e.mp4").write_bytes(clip())
    (season / "e.srt").write_text(SRT, encoding="utf-8")
    (season / "e.json").write_text(json.dumps([LABEL]), encoding="utf-8")


def _read_lessons(folder: Path, damaged: Path) -> None:
    from wherewise.lessons.build import Account, LessonsConfig, lessons

    plain: dict[str, Any] = {"root": folder, "side": 56, "whole_share": 1.0, "min_pause": 1.0}
    _each(
        *(
            lambda changes=changes: list(lessons(LessonsConfig.model_validate({**plain, **changes}), Account()))
            for changes in ({"labels": "{season}/{episode}.json"}, {"find_by": "silence"})
        )
    )


# --- published formats and our own


def _samples() -> list[Any]:
    from wherewise.samples import Boolean, Choice, Image, Number, Sample, Text, Video

    shown = Image(path="a.png", width=48, height=36)
    inside = Image(data=saved(picture(), "PNG"), width=48, height=36)
    plain: dict[str, Any] = {"group": "g1", "source": "fuzz", "license": "CC0-1.0"}
    return [
        Sample(
            id="s1", media=(shown,), question="Where is the cup?", options=("left", "right"),
            answer=Choice(letter="B", text="right"), task="left_right", rationale="It is right.", **plain,
        ),
        Sample(
            id="s2", media=(Video(path="a.mp4", fps=4.0, duration=6.0),), question="How many?",
            answer=Number(value=3.0), task="counting", facts={"margin": 0.5, "objects": ["cup", "mug"]}, **plain,
        ),
        Sample(id="s3", media=(inside,), question="Is it red?", answer=Boolean(value=True), task="colour", **plain),
        Sample(id="s4", media=(shown,), question="What is it?", answer=Text(value="a cup"), task="naming", **plain),
    ]  # fmt: skip


def _media(folder: Path) -> None:
    (folder / "a.png").write_bytes(saved(picture(), "PNG"))
    (folder / "a.mp4").write_bytes(clip(sound=None))


def _formats(suffix: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        from wherewise.formats import FORMATS, write_format
        from wherewise.samples.errors import InputError

        for name, form in FORMATS.items():
            kept = []
            for sample in _samples():
                try:
                    write_format(form, [sample], folder / f"probe{suffix}")
                except (InputError, TypeError):  # a kind that the format has no place for; bytes in JSON
                    continue
                kept.append(sample)
            for left in folder.glob("*probe*"):
                left.unlink()
            if suffix == ".parquet":  # a column holds bytes or paths, not both
                kept = [sample for sample in kept if all(medium.data is None for medium in sample.media)]
            if kept:
                write_format(form, kept, folder / f"{name}{suffix}")

    return make


def _read_formats(folder: Path, damaged: Path) -> None:
    from wherewise.formats import FORMATS, read_format
    from wherewise.samples import to_record

    for sample in read_format(FORMATS[damaged.stem], damaged, strip="/mnt/data"):
        to_record(sample)


def _dataset(folder: Path) -> None:
    from wherewise.samples.store import write_dataset

    _media(folder)
    write_dataset(_samples(), folder / "set", generator={"by": "fuzz"}, rejections={"ambiguous": 2})


def _read_dataset(folder: Path, damaged: Path) -> None:
    from wherewise.media import validate_dataset
    from wherewise.samples.store import read_dataset

    validate_dataset(folder / "set", folder)
    list(read_dataset(folder / "set"))


def _lines(folder: Path) -> None:
    from wherewise.samples import to_record

    _media(folder)
    records = [to_record(sample) for sample in _samples() if all(medium.data is None for medium in sample.media)]
    (folder / "set.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def _read_lines(folder: Path, damaged: Path) -> None:
    from wherewise.media import load_frames, load_image, validate_dataset
    from wherewise.samples import Image
    from wherewise.samples.store import read_dataset

    validate_dataset(folder / "set.jsonl", folder)
    for sample in read_dataset(folder / "set.jsonl"):
        for medium in sample.media:
            if isinstance(medium, Image):
                load_image(medium, folder)
            else:
                load_frames(medium, folder, max_frames=2)


# --- scenes


def _graphs(folder: Path) -> None:
    shutil.copytree(TESTS / "scenes" / "fixtures" / "graphs", folder, dirs_exist_ok=True)


def _read_graphs(folder: Path, damaged: Path) -> None:
    from wherewise.scenes.graphs import GraphFiles, GraphFormat, Graphs

    forms = {
        "vg150.jsonl": GraphFormat.VG150,
        "CLEVR_val_scenes.json": GraphFormat.CLEVR,
        "nlvr.jsonl": GraphFormat.NLVR,
    }
    form = forms.get(damaged.name, GraphFormat.VISUAL_GENOME)
    path = damaged.parent if form is GraphFormat.VISUAL_GENOME else damaged
    list(Graphs(files=GraphFiles(format=form, annotations=path)))


def _scans(folder: Path) -> None:
    for path in (TESTS / "scenes" / "fixtures" / "scans").glob("*meta_info*.json"):
        shutil.copy(path, folder)
    identity = [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 1.2], [0, 0, 0, 1]]
    box = {"centroid": [0, 3, 0.5], "axesLengths": [0.6, 0.6, 1], "normalizedAxes": [1, 0, 0, 0, 1, 0, 0, 0, 1]}
    meta = {"room_size": 20.0, "object_counts": {"chair": 1}, "object_bboxes": {"chair": [{"instance_id": 3, **box}]}}
    frame = {
        "frame_id": 3,
        "camera_pose_camera_to_world": identity,
        "bboxes_2d": [{"instance_id": 3, "bbox_2d": [260, 250, 380, 420]}],
    }
    frames = {
        "camera_intrinsics": {"fx": 500.0, "fy": 500.0, "cx": 320, "cy": 240},
        "img_width": 640,
        "img_height": 480,
        "frames": [frame],
    }
    (folder / "own").mkdir()
    (folder / "own" / "scannetpp_meta_info.json").write_text(json.dumps({"0a1b2c3d4e": meta}), encoding="utf-8")
    (folder / "own" / "scannetpp_frame_metadata.json").write_text(json.dumps({"0a1b2c3d4e": frames}), encoding="utf-8")
    (folder / "own" / "places.csv").write_text("video_id,visit_id\n0a1b2c3d4e,7\n4f5a6b7c8d,7\n", encoding="utf-8")


def _read_scans(folder: Path, damaged: Path) -> None:
    from wherewise.scenes.scans import ScanFiles, Scans

    own = ScanFiles(
        metadata=folder / "own" / "scannetpp_meta_info.json",
        frames=folder / "own" / "scannetpp_frame_metadata.json",
        places=folder / "own" / "places.csv",
        media_root=folder,
    )
    list(Scans(files=own if damaged.parent.name == "own" else ScanFiles(metadata=damaged)))


def _scenes(folder: Path) -> None:
    from wherewise.scenes.codec import write_scenes
    from wherewise.scenes.exclusions import write_exclusions
    from wherewise.scenes.graphs import GraphFiles, GraphFormat, Graphs

    fixtures = TESTS / "scenes" / "fixtures" / "graphs"
    items = Graphs(files=GraphFiles(format=GraphFormat.CLEVR, annotations=fixtures / "CLEVR_val_scenes.json"))
    write_scenes([item.scene for item in items], folder / "scenes.jsonl")
    write_exclusions([("scannet", "scene0011_00"), ("arkitscenes", "41069025")], folder / "list.txt", title="Excluded")
    rows = [{"dataset": "scannet", "scene_name": "scene0011_00", "id": 1}]
    (folder / "bench.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "bench.json").write_text(json.dumps({"scene0011_00": {"dataset": "scannet"}}), encoding="utf-8")
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), folder / "bench.parquet")


def _read_scenes(folder: Path, damaged: Path) -> None:
    from wherewise.scenes.codec import read_scenes
    from wherewise.scenes.exclusions import benchmark_scenes, read_exclusions

    match damaged.stem:
        case "scenes":
            list(read_scenes(damaged))
        case "list":
            read_exclusions([damaged])
        case _:
            benchmark_scenes([damaged])


def _arrays(folder: Path) -> None:
    depth = (1 + np.arange(48 * 36, dtype=np.float32).reshape(36, 48) / 500).astype(np.float32)
    np.save(folder / "a.npy", depth)
    np.savez_compressed(folder / "b.npz", depth=depth)
    PIL.Image.fromarray((depth * 1000).astype(np.uint16)).save(folder / "c.png")
    np.savez_compressed(
        folder / "sidecar.npz",
        depth=np.full((2, 6, 8), 1500, np.uint16),
        ids=np.ones((2, 6, 8), np.uint16),
        times=np.array([0.0, 0.5]),
        focal=np.array([40.0, 40.0]),
        position=np.zeros((2, 3)),
        rotation=np.stack([np.eye(3)] * 2),
    )


def _read_arrays(folder: Path, damaged: Path) -> None:
    from wherewise.perception.depth_files import DepthFiles
    from wherewise.scenes.simulate.sidecar import read_sidecar

    if damaged.stem == "sidecar":
        read_sidecar(damaged)
    else:
        DepthFiles(folder).depth(np.asarray(picture()), f"{damaged.stem}.jpg")


# --- evaluation


BENCHMARKS = (
    "cv-bench",
    "vsi-bench",
    "3dsrbench",
    "mmvp",
    "sat",
    "records",
    "nextqa-val",
    "longvideobench",
    "embspatial",
)


def _benchmarks(folder: Path) -> None:
    cases: Mapping[str, Any] = json.loads(
        (TESTS / "evaluation" / "fixtures" / "benchmarks.json").read_text(encoding="utf-8")
    )
    import base64

    import pyarrow as pa
    import pyarrow.parquet as pq

    def filled(value: Any) -> Any:
        if value == "<picture>":
            return {"bytes": saved(picture(), "PNG"), "path": "picture.png"}
        if value == "<base64>":
            return base64.b64encode(saved(picture(), "PNG")).decode()
        return [filled(item) for item in value] if isinstance(value, list) else value

    for name in BENCHMARKS:
        rows = [{key: filled(value) for key, value in row.items()} for row in cases[name]["rows"]]
        path = folder / name / cases[name]["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        elif path.suffix == ".json":
            path.write_text(json.dumps(rows), encoding="utf-8")
        elif path.suffix == ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        else:
            with path.open("w", encoding="utf-8", newline="") as handle:
                writer = csv.DictWriter(handle, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
                writer.writeheader()
                writer.writerows(rows)
        for extra in cases[name].get("media", []):
            target = folder / name / extra
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(SRT.encode() if target.suffix == ".srt" else saved(picture(), "PNG"))


def _read_benchmarks(folder: Path, damaged: Path) -> None:
    from wherewise.evaluation.load import load_benchmark
    from wherewise.evaluation.specs import get_benchmark

    name = damaged.relative_to(folder).parts[0]
    load_benchmark(get_benchmark(name), folder / name)


def _replies(folder: Path) -> None:
    import openpyxl

    rows = [{"id": f"s{k}", "reply": "<answer>B</answer>", "doc": {"question": "Where?"}} for k in range(4)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "a.jsonl").write_text(text, encoding="utf-8")
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (("index", "prediction"), (1, "B"), (2, "left")):
        sheet.append(row)
    book.save(folder / "c.xlsx")
    (folder / "run").mkdir()
    prediction = {
        "id": "s1",
        "task": "left_right",
        "group": "g",
        "question": "Where?",
        "options": ["left", "right"],
        "gold": {"kind": "choice", "letter": "B", "text": "right"},
        "kind": "choice",
        "reply": "B",
        "value": "B",
        "rule": "letter",
        "abstained": False,
        "truncated": False,
        "conflicts": [],
        "correct": True,
        "score": 1.0,
        "error": None,
        "tokens": 3,
        "tags": {},
    }
    (folder / "run" / "predictions.jsonl").write_text(json.dumps(prediction) + "\n", encoding="utf-8")
    manifest = {"title": "Own", "samples": 1, "style": "direct", "protocol": {"benchmark": "records"}}
    (folder / "run" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "flags.jsonl").write_text('{"id": "s1", "kind": "wrong"}\n{"id": "s2"}\n', encoding="utf-8")


def _read_replies(folder: Path, damaged: Path) -> None:
    from wherewise.answers.rows import map_lines
    from wherewise.cli.drop import read_flags
    from wherewise.evaluation.providers.replay_files import read_lines
    from wherewise.evaluation.runner import read_run

    if damaged.stem == "flags":
        read_flags(damaged)
        return
    if damaged.parent.name == "run":
        read_run(damaged.parent)
        return
    for line in read_lines(damaged, "vlmevalkit" if damaged.suffix == ".xlsx" else "jsonl"):
        line.question()
    if damaged.suffix == ".jsonl":
        map_lines(damaged, folder / "out.jsonl", dict)


def _archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("videos/a.mp4", clip(sound=None, seconds=1))
        archive.writestr("a.png", saved(picture(), "PNG"))
        archive.writestr("notes/read.txt", "hello " * 200)


def _read_archive(folder: Path, damaged: Path) -> None:
    from wherewise.evaluation.archives import unpack

    unpack(folder, ["videos/a.mp4", "a.png", "notes/read.txt", "b.png"])


# --- configs and weights


CONFIG = """root: shows
videos: '(?P<season>S\\d+)/(?P<episode>.+)\\.mp4'
subtitles: '{season}/{episode}.srt'
find_by: silence
min_pause: 1.5
choices: 4
splits: {train: 0.9, test: 0.1}
seed: 7
"""


def _encoder(folder: Path) -> None:
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1, "cup": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"model_type": "bert", "hidden_act": "gelu", "num_attention_heads": 2, "num_hidden_layers": 1}
    (folder / "config.json").write_text(json.dumps({**config, "layer_norm_eps": 1e-12}), encoding="utf-8")
    rng = np.random.default_rng(0)
    shapes = {
        "word_embeddings.weight": (3, 8),
        "position_embeddings.weight": (512, 8),
        "token_type_embeddings.weight": (2, 8),
        "LayerNorm.weight": (8,),
        "LayerNorm.bias": (8,),
    }
    tensors = {f"embeddings.{name}": rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    save_file(tensors, folder / "model.safetensors")


def _read_encoder(folder: Path, damaged: Path) -> None:
    from wherewise.rewards.minilm import MiniLM

    MiniLM.load(folder)


def _configs(folder: Path) -> None:
    (folder / "lessons.yaml").write_text(CONFIG, encoding="utf-8")
    for name in ("sft.yaml", "grpo.yaml"):
        found = sorted((TESTS.parent / "recipes").rglob(name))
        if found:
            (folder / name).write_bytes(found[0].read_bytes())


def _read_configs(folder: Path, damaged: Path) -> None:
    from wherewise.cli.config import load_config
    from wherewise.lessons.build import LessonsConfig

    load_config(LessonsConfig, damaged)


READERS: dict[str, Reader] = {
    "pictures": Reader(make=_pictures, read=_read_pictures),
    "clips": Reader(make=_clips, read=_read_clips),
    "sounds": Reader(make=_sounds, read=_read_sounds),
    "subtitles": Reader(make=_subtitles, read=_read_subtitles),
    "labels": Reader(make=_labels, read=_read_labels),
    "lessons": Reader(make=_lessons, read=_read_lessons),
    "formats-json": Reader(make=_formats(".json"), read=_read_formats),
    "formats-jsonl": Reader(make=_formats(".jsonl"), read=_read_formats),
    "formats-parquet": Reader(make=_formats(".parquet"), read=_read_formats),
    "dataset": Reader(make=_dataset, read=_read_dataset),
    "lines": Reader(make=_lines, read=_read_lines, damaged="*.jsonl"),
    "graphs": Reader(make=_graphs, read=_read_graphs),
    "scans": Reader(make=_scans, read=_read_scans),
    "scenes": Reader(make=_scenes, read=_read_scenes),
    "arrays": Reader(make=_arrays, read=_read_arrays),
    "benchmarks": Reader(make=_benchmarks, read=_read_benchmarks),
    "replies": Reader(make=_replies, read=_read_replies),
    "archive": Reader(make=_archive, read=_read_archive),
    "configs": Reader(make=_configs, read=_read_configs),
    "encoder": Reader(make=_encoder, read=_read_encoder),
}
"""Readers by name, in the order in which cases go round."""
