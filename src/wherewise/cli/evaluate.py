"""``wherewise eval list|run|rescore|compare``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wherewise.cli.options import Quiet

if TYPE_CHECKING:
    from wherewise.answers.styles import PromptConfig
    from wherewise.evaluation.load import Benchmark
    from wherewise.evaluation.protocol import EvalConfig
    from wherewise.evaluation.providers import Provider


def list_benchmarks() -> None:
    """The benchmarks, their subsets, and how each is scored."""
    from wherewise.evaluation.specs import BENCHMARKS
    from wherewise.evaluation.tables import align

    rows = [["name", "questions", "subsets", "headline", "answers", "on the hub", "license"]]
    for name, spec in sorted(BENCHMARKS.items()):
        total = str(sum(spec.subsets.values())) if spec.subsets else "as given"
        rows.append(
            [
                name,
                total,
                str(len(spec.subsets) or "-"),
                spec.headline.value,
                spec.kind or "any",
                spec.hub_id or "-",
                spec.license,
            ]
        )
    typer.echo("\n".join(align(rows)))


def run(
    benchmark: Annotated[str, typer.Argument(help="Name from 'wherewise eval list'.", show_default=False)],
    model: Annotated[
        str,
        typer.Option(
            help="'starter', a model folder, a Hub name; or 'random', 'random:SEED', 'frequent', 'replay:FILE.jsonl'."
        ),
    ] = "starter",
    data: Annotated[
        Path | None, typer.Option(help="Folder with the benchmark's files; without it they come from the Hub.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the predictions; evaluations/BENCHMARK/MODEL by default. A cut run goes on."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="N questions, the same ones every time.")
    ] = None,
    subset: Annotated[list[str] | None, typer.Option(help="Only this subset; may be repeated.")] = None,
    prompt_style: Annotated[
        str | None, typer.Option(help="direct, think or scene_graph; the benchmark's official prompt by default.")
    ] = None,
    prompt_options: Annotated[str | None, typer.Option(help="How options are shown: letters, words or none.")] = None,
    prompt_instruction: Annotated[
        str | None, typer.Option(help="Instruction instead of the style's own; '' for none.")
    ] = None,
    prompt_coordinates: Annotated[str | None, typer.Option(help="Codec of places: tenths, norm1000 or pixels.")] = None,
    prompt_think: Annotated[bool, typer.Option("--prompt-think", help="scene_graph with <think>.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Questions that the model answers at once.")] = 16,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest reply in tokens.")] = 128,
    decoding: Annotated[
        str, typer.Option(help="greedy, or letter: the likeliest option letter, for models that follow no format.")
    ] = "greedy",
    max_pixels: Annotated[int | None, typer.Option(min=1, help="Shrink larger pictures to so many pixels.")] = None,
    frames: Annotated[
        int | None, typer.Option(min=2, help="At most so many frames of a clip; 16 where the sample names none.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Frames per second of a clip, up to --frames.")] = None,
    blind: Annotated[bool, typer.Option("--blind", help="Show no pictures: what do the questions give away?")] = False,
    replay_id: Annotated[str, typer.Option(help="replay: field of the sample's id.")] = "id",
    replay_field: Annotated[str, typer.Option(help="replay: field of the reply.")] = "reply",
    replay_where: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=VALUE", help="replay: only lines with this value.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Ask again the samples that failed before.")
    ] = False,
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or auto.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    quiet: Quiet = False,
) -> None:
    """Evaluate a model on a benchmark; the same command again goes on with a run that was cut off."""
    from wherewise.cli.progress import progress
    from wherewise.evaluation.load import load_benchmark
    from wherewise.evaluation.protocol import Decoding, EvalConfig, MediaLimits
    from wherewise.evaluation.runner import read_manifest, run_benchmark
    from wherewise.evaluation.specs import get_benchmark
    from wherewise.evaluation.tables import summary_lines
    from wherewise.samples.errors import InputError, NothingProduced

    if decoding not in ("greedy", "letter"):
        raise InputError(f"--decoding {decoding!r}: choose greedy or letter")
    prompt = _prompt(prompt_style, prompt_options, prompt_instruction, prompt_coordinates, prompt_think)
    if decoding == "letter" and prompt is not None and (prompt.options != "letters" or prompt.style.value != "direct"):
        raise InputError("--decoding letter needs --prompt-options letters and --prompt-style direct, or neither")
    config = EvalConfig(
        prompt=prompt,
        media=MediaLimits(frames=frames, fps=fps, max_pixels=max_pixels, blind=blind),
        decoding=Decoding(strategy=decoding, max_new_tokens=max_new_tokens),  # type: ignore[arg-type]  # checked above
    )
    loaded = load_benchmark(get_benchmark(benchmark), data, subsets=subset or (), limit=limit)
    provider = _provider(
        model,
        loaded,
        config,
        batch_size=batch_size,
        dtype=dtype,
        device=device,
        replay=(replay_id, replay_field, replay_where or []),
    )
    folder = out or Path("evaluations") / benchmark / re.sub(r"[^\w.-]+", "-", model).strip("-.")
    with progress(f"{benchmark} {provider.name}", total=len(loaded.samples), quiet=quiet) as advance:
        summary = run_benchmark(
            loaded, provider, config, folder, retry_failed=retry_failed, progress=lambda done, _: advance.at(done)
        )
    typer.echo("\n".join(summary_lines(summary, read_manifest(folder))))
    typer.echo(f"written to {folder}")
    if summary.failed == 1.0:
        raise NothingProduced(f"all {summary.micro.estimate.n} samples failed; {folder}/predictions.jsonl says why")


def rescore(
    folder: Annotated[Path, typer.Argument(help="Folder of an 'eval run'.", show_default=False)],
) -> None:
    """Read and score stored replies anew with this version's parser; no model runs."""
    from wherewise.evaluation.runner import read_manifest, rescore_folder
    from wherewise.evaluation.tables import summary_lines

    summary = rescore_folder(folder)
    typer.echo("\n".join(summary_lines(summary, read_manifest(folder))))


def compare(
    a: Annotated[Path, typer.Argument(help="Folder of the earlier run.", show_default=False)],
    b: Annotated[Path, typer.Argument(help="Folder of the later run.", show_default=False)],
    allow_unequal: Annotated[
        bool, typer.Option("--allow-unequal", help="Compare although the protocols differ.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Compare two runs question by question: fixed, broken, and whether it is luck."""
    from wherewise.evaluation.compare import compare_runs
    from wherewise.evaluation.tables import comparison_lines

    typer.echo("\n".join(comparison_lines(compare_runs(a, b, allow_unequal=allow_unequal, seed=seed))))


def _prompt(
    style: str | None, options: str | None, instruction: str | None, coordinates: str | None, think: bool
) -> PromptConfig | None:
    """The prompt config that the options ask for; None if they ask for nothing."""
    import pydantic

    from wherewise.answers.styles import PromptConfig
    from wherewise.samples.errors import InputError

    given = {"style": style, "options": options, "coordinates": coordinates, "think": think or None}
    settings: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if instruction is not None:
        settings["instruction"] = instruction or False
    if not settings:
        return None
    try:
        return PromptConfig.model_validate(settings)
    except pydantic.ValidationError as error:
        problems = "; ".join(f"--prompt-{e['loc'][0]} {e['input']!r}: {e['msg']}" for e in error.errors())
        raise InputError(problems) from error


def _provider(
    model: str,
    benchmark: Benchmark,
    config: EvalConfig,
    *,
    batch_size: int,
    dtype: str,
    device: str,
    replay: tuple[str, str, list[str]],
) -> Provider:
    """The provider that ``--model`` names."""
    from wherewise.answers.styles import PromptConfig
    from wherewise.evaluation.providers import FrequentProvider, RandomProvider, ReplayProvider
    from wherewise.samples.errors import InputError

    if random_seed := re.fullmatch(r"random(?::(\d+))?", model):
        return RandomProvider(benchmark.samples, seed=int(random_seed.group(1) or 0))
    if model == "frequent":
        return FrequentProvider(benchmark.samples, config.prompt or PromptConfig())
    if model.startswith("replay:"):
        id_field, reply_field, conditions = replay
        where = {}
        for condition in conditions:
            field, equals, value = condition.partition("=")
            if not equals or not field:
                raise InputError(f"--replay-where {condition!r}: write FIELD=VALUE")
            where[field] = value
        path = Path(model.removeprefix("replay:"))
        return ReplayProvider(path, id_field=id_field, reply_field=reply_field, where=where)
    if dtype not in ("auto", "float32", "bfloat16"):
        raise InputError(f"--dtype {dtype!r}: choose auto, float32 or bfloat16")

    from wherewise.evaluation.providers.hf import HfProvider

    return HfProvider.load(
        model,
        media=config.media,
        decoding=config.decoding,
        batch_size=batch_size,
        dtype=dtype,  # type: ignore[arg-type]  # checked above
        device=device,
    )
