"""``wherewise demo``: the whole job on the shipped starter model, on a CPU.

Nothing here is special to the demo: each stage is what the verbs ``data simulate``, ``sft``, ``grpo``, ``eval run``,
``eval compare`` and ``view`` do with the recipes in ``recipes/demo``. A stage that is done is not done again, so an
interrupted demo goes on where it stopped.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wherewise.cli.options import Quiet

if TYPE_CHECKING:
    from wherewise.answers.styles import PromptConfig
    from wherewise.evaluation.compare import Comparison
    from wherewise.evaluation.metrics import Summary

STAGES = ("starter", "SFT", "GRPO")
"""Models that are evaluated, in the order of the story."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Folders:
    """Where a demo keeps what."""

    out: Path

    @property
    def data(self) -> Path:
        """The simulated dataset."""
        return self.out / "data"

    def run(self, stage: str) -> Path:
        """Run folder of a training stage."""
        return self.out / stage.lower()

    def evaluation(self, stage: str) -> Path:
        """Evaluation folder of a model."""
        return self.out / "eval" / stage.lower()

    def model(self, stage: str) -> str:
        """What ``load_model`` is given for a stage."""
        return "starter" if stage == "starter" else str(self.run(stage) / "final")


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for data, runs, evaluations and the report.")] = Path(
        "runs/demo"
    ),
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of data and training.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Simulate rooms, train the starter model with SFT and GRPO, evaluate on unseen scenes, write a report."""
    began = time.monotonic()
    folders = Folders(out=out)
    marks: dict[str, float] = {}

    def said(stage: str, text: str) -> None:
        marks[stage] = time.monotonic() - began
        typer.echo(f"[{marks[stage]:4.0f} s] {text}")

    _data(folders, seed, quiet)
    (out / "seed.json").write_text(f"{seed}\n", encoding="utf-8")
    said("data", f"data: {folders.data}")
    summaries: dict[str, Summary] = {}
    for stage in STAGES:
        if stage != "starter":
            _train(stage, folders, seed, quiet)
            said(f"train {stage}", f"{stage}: {folders.run(stage)}")
        summaries[stage] = evaluate(stage, folders, quiet=quiet)
        score = summaries[stage].micro.estimate
        said(f"eval {stage}", f"{stage}: {100 * score.score:.1f} % of {score.n} questions on unseen scenes")
    comparisons = [_compare(a, b, folders) for a, b in itertools.pairwise(STAGES)]
    lines = [*_table(summaries), "", *comparisons]
    typer.echo("\n" + "\n".join(lines) + "\n")
    page = _report(folders, comparisons, marks, seed)
    said("report", f"report: {page}")


def recipe(name: str) -> Path:
    """A recipe's path: inside the installed package, or in the checkout that the package is run from.

    Raises:
        InputError: There is no such recipe.
    """
    from wherewise.samples.errors import InputError

    package = Path(__file__).parents[1]
    for folder in (package / "recipes", package.parents[1] / "recipes"):
        if (folder / name).exists():
            return folder / name
    raise InputError(f"there is no recipe {name!r} in the installation; reinstall wherewise")


def _data(folders: Folders, seed: int, quiet: bool) -> None:
    from wherewise.cli.config import load_config
    from wherewise.cli.data import DatasetConfig, write_simulated
    from wherewise.cli.progress import progress
    from wherewise.samples.manifest import MANIFEST

    if (folders.data / MANIFEST).exists():
        return
    config = load_config(DatasetConfig, recipe("demo/data.yaml"), [f"out={folders.data}", f"seed={seed}"]).value
    with progress("simulating", total=sum(config.splits.values()), quiet=quiet) as advance:
        typer.echo(write_simulated(config, on_progress=advance))


def _train(stage: str, folders: Folders, seed: int, quiet: bool) -> None:
    from wherewise.cli.config import load_config
    from wherewise.cli.train import printer
    from wherewise.training.grpo.config import GRPOConfig
    from wherewise.training.grpo.phase import train_grpo
    from wherewise.training.sft.config import SFTConfig
    from wherewise.training.sft.phase import train_sft

    places = [f"out={folders.run(stage)}", f"data.path={folders.data}", f"seed={seed}"]
    if (folders.run(stage) / "final").exists():
        return
    if stage == "SFT":
        sft = load_config(SFTConfig, recipe("demo/sft.yaml"), places).value
        train_sft(sft, on_progress=printer(quiet))
    else:
        grpo = load_config(GRPOConfig, recipe("demo/grpo.yaml"), [*places, f"model.path={folders.model('SFT')}"]).value
        train_grpo(grpo, on_progress=printer(quiet))


def _prompt() -> PromptConfig:
    from wherewise.cli.config import load_config
    from wherewise.training.grpo.config import GRPOConfig

    return load_config(GRPOConfig, recipe("demo/grpo.yaml")).value.prompt


def evaluate(stage: str, folders: Folders, *, quiet: bool = False) -> Summary:
    """Evaluates a stage's model on the unseen scenes, or reads what was measured before."""
    from wherewise.cli.progress import progress
    from wherewise.evaluation.load import load_benchmark
    from wherewise.evaluation.protocol import Decoding, EvalConfig
    from wherewise.evaluation.providers.hf import HfProvider
    from wherewise.evaluation.runner import run_benchmark
    from wherewise.evaluation.specs import get_benchmark

    benchmark = load_benchmark(get_benchmark("dataset"), folders.data)
    config = EvalConfig(prompt=_prompt(), decoding=Decoding(max_new_tokens=64))
    provider = HfProvider.load(folders.model(stage), media=config.media, decoding=config.decoding, batch_size=32)
    with progress(f"evaluating {stage}", total=len(benchmark.samples), quiet=quiet) as advance:
        return run_benchmark(
            benchmark, provider, config, folders.evaluation(stage), progress=lambda done, _: advance.at(done)
        )


def _compare(a: str, b: str, folders: Folders) -> str:
    from wherewise.evaluation.compare import compare_runs

    result: Comparison = compare_runs(folders.evaluation(a), folders.evaluation(b))
    test = result.micro
    return (
        f"{b} against {a}: {100 * test.difference:+.1f} points "
        f"[{100 * test.low:+.1f}, {100 * test.high:+.1f}], paired p = {test.p_value:.2g} "
        f"({len(result.fixed)} fixed, {len(result.broken)} broken)"
    )


def _table(summaries: dict[str, Any]) -> list[str]:
    last = next(reversed(summaries.values()))
    rows = [f"{'model':<14}{'accuracy':>9}   95 % interval"]
    for name, summary in summaries.items():
        score = summary.micro.estimate
        rows.append(f"{name:<14}{100 * score.score:>8.1f}%   {100 * score.low:.1f} - {100 * score.high:.1f}")
    rows.append(f"{'chance':<14}{100 * last.micro.chance:>8.1f}%")
    rows.append(f"{'most frequent':<14}{100 * last.micro.frequent:>8.1f}%")
    return rows


def _report(folders: Folders, comparisons: list[str], marks: dict[str, float], seed: int) -> Path:
    import json

    from wherewise.reports import ReportInputs, build_report
    from wherewise.samples.store import read_dataset

    env = json.loads((folders.run("GRPO") / "env.json").read_text(encoding="utf-8"))
    facts = {key: value for key, value in env.items() if isinstance(value, str | int)} | env["packages"]
    facts |= {f"seconds until {stage}": f"{seconds:.0f}" for stage, seconds in marks.items()}
    return build_report(
        ReportInputs(
            title="wherewise demo: a tiny model learns where things are",
            evaluations=[(stage, folders.evaluation(stage)) for stage in STAGES],
            runs=[(stage, folders.run(stage)) for stage in STAGES[1:]],
            samples={s.id: s for s in read_dataset(folders.data, splits=["test"])},
            media_root=folders.data,
            comparisons=comparisons,
            environment=facts,
            commands=[f"wherewise demo --seed {seed}"],
        ),
        folders.out / "report.html",
    )
