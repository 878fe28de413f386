"""Run a benchmark: ask, read, score, and write each answer down as it comes, so that a killed run goes on.

An output folder holds ``manifest.json`` (settings, protocol id, model), ``predictions.jsonl`` (one line a sample, in
whatever order they came), once every sample has its line ``summary.json``, and for models behind a server
``usage.jsonl`` (one line a session: requests, tokens, cost).
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import wherewise
from wherewise.answers.styles import PromptStyle
from wherewise.evaluation.load import Benchmark
from wherewise.evaluation.metrics import Summary, summarize
from wherewise.evaluation.protocol import EvalConfig, build_requests, protocol, protocol_id
from wherewise.evaluation.providers.base import MeteredProvider, Provider, Reply, Request, StreamingProvider
from wherewise.evaluation.providers.replay import ReplayProvider
from wherewise.evaluation.records import Prediction, read_predictions
from wherewise.evaluation.scoring import PARSER_VERSION, check_scorable, rescore, score_reply
from wherewise.samples.errors import InputError
from wherewise.samples.files import parse_json, read_text

PREDICTIONS = "predictions.jsonl"
MANIFEST = "manifest.json"
SUMMARY = "summary.json"
USAGE = "usage.jsonl"
KEPT = "predictions.before-rescore.jsonl"

Progress = Callable[[int, int], None]
"""Called with samples done and samples in all."""


def run_benchmark(
    benchmark: Benchmark,
    provider: Provider,
    config: EvalConfig,
    out: Path,
    *,
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Evaluate a provider on a benchmark, or go on with a run that was cut off.

    Args:
        benchmark: The loaded records.
        provider: What answers.
        config: Prompt, media, decoding.
        out: Output folder; an earlier run in it is continued if it had the same protocol and model.
        retry_failed: Ask again the samples whose provider failed.
        progress: Called whenever replies were written.

    Raises:
        InputError: The folder holds a run of another protocol or model, damaged lines, or foreign samples; or another
            process is writing there.
    """
    check_scorable(benchmark.samples)
    requests = build_requests(benchmark, config)
    settings = protocol(benchmark, config, requests, replayed=isinstance(provider, ReplayProvider))
    manifest = {
        "wherewise": wherewise.__version__,
        "protocol_id": protocol_id(settings),
        "protocol": settings,
        "style": config.style.value,
        "model": {"name": provider.name, "fingerprint": provider.fingerprint},
        "samples": len(benchmark.samples),
        "expected": {
            subset: count for subset, count in benchmark.spec.subsets.items() if _has_subset(benchmark, subset)
        },
        "notes": list(benchmark.notes),
        "headline": benchmark.spec.headline.value,
        "title": benchmark.spec.title,
    }
    out.mkdir(parents=True, exist_ok=True)
    samples = {sample.id: sample for sample in benchmark.samples}
    with _locked(out):
        _check_or_write_manifest(out, manifest)
        drop_torn_line(out / PREDICTIONS)
        done = read_predictions(out / PREDICTIONS)
        if foreign := [p.id for p in done if p.id not in samples]:
            raise InputError(f"{out / PREDICTIONS}: sample {foreign[0]!r} is not in the benchmark; use an empty folder")
        if retry_failed and any(p.error is not None for p in done):
            done = [p for p in done if p.error is None]
            _write_predictions(out / PREDICTIONS, done)
        ids = {p.id for p in done}
        pending = provider.order([request for request in requests if request.sample_id not in ids])
        with (out / PREDICTIONS).open("a", encoding="utf-8") as handle, _usage_kept(provider, out):
            for answers in _answers(provider, pending):
                lines = [score_reply(samples[request.sample_id], reply, config.style) for request, reply in answers]
                handle.write("".join(prediction.to_json() + "\n" for prediction in lines))
                handle.flush()
                os.fsync(handle.fileno())
                done.extend(lines)
                if progress is not None:
                    progress(len(done), len(samples))
        summary = summarize(done)
        write_json(out / SUMMARY, summary_record(summary, manifest))
    return summary


def _answers(provider: Provider, pending: Sequence[Request]) -> Iterator[list[tuple[Request, Reply]]]:
    """Requests with their replies: as they come from a provider that streams, batch by batch from others."""
    if isinstance(provider, StreamingProvider):
        with closing(provider.stream(pending)) as answers:
            yield from answers
        return
    for start in range(0, len(pending), provider.batch_size):
        batch = pending[start : start + provider.batch_size]
        yield list(zip(batch, provider.generate(batch), strict=True))


@contextmanager
def _usage_kept(provider: Provider, out: Path) -> Iterator[None]:
    """Add a line on what asking took to ``usage.jsonl``, also when the run stops."""
    try:
        yield
    finally:
        if isinstance(provider, MeteredProvider):
            with (out / USAGE).open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(provider.usage()) + "\n")


def rescore_folder(folder: Path) -> Summary:
    """Read and score the stored replies anew with today's parser; nothing is generated.

    The first rescoring keeps the old lines as ``predictions.before-rescore.jsonl``.

    Raises:
        InputError: The folder holds no finished run.
    """
    manifest = read_manifest(folder)
    with _locked(folder):
        drop_torn_line(folder / PREDICTIONS)
        old = read_predictions(folder / PREDICTIONS)
        _require_complete(folder, old, manifest)
        style = PromptStyle(manifest["style"])
        new = [rescore(prediction, style) for prediction in old]
        if not (folder / KEPT).exists():
            (folder / KEPT).write_bytes((folder / PREDICTIONS).read_bytes())
        manifest["protocol"]["parser_version"] = PARSER_VERSION
        manifest["protocol_id"] = protocol_id(manifest["protocol"])
        _write_predictions(folder / PREDICTIONS, new)
        write_json(folder / MANIFEST, manifest)
        summary = summarize(new)
        write_json(folder / SUMMARY, summary_record(summary, manifest))
    return summary


def read_run(folder: Path) -> tuple[dict[str, Any], list[Prediction]]:
    """Manifest and predictions of a finished run.

    Raises:
        InputError: There is no run, or it is not finished.
    """
    manifest = read_manifest(folder)
    predictions = read_predictions(folder / PREDICTIONS)
    _require_complete(folder, predictions, manifest)
    return manifest, predictions


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an output folder.

    Raises:
        InputError: There is none.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder} holds no evaluation ({MANIFEST} is missing); make one with 'wherewise eval run'")
    manifest = parse_json(read_text(path), file=path)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("samples"), int):
        raise InputError(f"{path}: no manifest of an evaluation; run 'wherewise eval run' again")
    return manifest


def summary_record(summary: Summary, manifest: dict[str, Any]) -> dict[str, Any]:
    """What ``summary.json`` holds: the figures and what they were measured on."""
    return {
        "title": manifest["title"],
        "benchmark": manifest["protocol"]["benchmark"],
        "model": manifest["model"],
        "protocol_id": manifest["protocol_id"],
        "headline": manifest["headline"],
        "samples": manifest["samples"],
        "notes": manifest["notes"],
        **dataclasses.asdict(summary),
    }


def write_json(path: Path, content: Any) -> None:
    """Write JSON so that the file is either the old one or the whole new one."""
    draft = path.with_name(path.name + ".tmp")
    with draft.open("w", encoding="utf-8") as handle:
        json.dump(content, handle, indent=2, ensure_ascii=False)
        handle.write("\n")
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(path)


def drop_torn_line(path: Path) -> None:
    """Cut off what follows the last newline of a file: the line that a killed run did not finish."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def _write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Replace the file's lines; on disk it is at any time the old one or the whole new one."""
    draft = path.with_name(path.name + ".tmp")
    with draft.open("w", encoding="utf-8") as handle:
        handle.writelines(p.to_json() + "\n" for p in predictions)
        handle.flush()
        os.fsync(handle.fileno())
    draft.replace(path)


def _check_or_write_manifest(out: Path, manifest: dict[str, Any]) -> None:
    path = out / MANIFEST
    if not path.exists():
        if (out / PREDICTIONS).stat().st_size:
            raise InputError(f"{out}: {PREDICTIONS} without {MANIFEST}: not a run of this program; use an empty folder")
        write_json(path, manifest)
        return
    old = read_manifest(out)
    if old["protocol_id"] != manifest["protocol_id"]:
        differing = differing_settings(old["protocol"], manifest["protocol"])
        raise InputError(f"{out} holds a run of another protocol (differs in {differing}); use another folder")
    if old["model"]["fingerprint"] != manifest["model"]["fingerprint"]:
        raise InputError(
            f"{out} holds a run of another model ({old['model']['name']}, now {manifest['model']['name']}); "
            "use another folder"
        )


def differing_settings(a: dict[str, Any], b: dict[str, Any]) -> str:
    """Names and values of the protocol settings in which two runs differ, in words."""
    parts = []
    for key in sorted(set(a) | set(b)):
        if a.get(key) != b.get(key):
            short = key.endswith("_sha256")
            parts.append(key if short else f"{key}: {json.dumps(a.get(key))} and {json.dumps(b.get(key))}")
    return "; ".join(parts)


def _require_complete(folder: Path, predictions: Sequence[Prediction], manifest: dict[str, Any]) -> None:
    if len(predictions) != manifest["samples"]:
        raise InputError(
            f"{folder} is not finished: {len(predictions)} of {manifest['samples']} samples; "
            "run the same 'wherewise eval run' again to go on"
        )


def _has_subset(benchmark: Benchmark, subset: str) -> bool:
    return any(sample.facts.get("subset") == subset for sample in benchmark.samples)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process alone; makes the predictions file if it is not there."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{folder}: another process is writing there; wait or use another folder") from error
        (folder / PREDICTIONS).touch()
        yield
