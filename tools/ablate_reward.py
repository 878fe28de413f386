#!/usr/bin/env python3
"""Dense against accuracy-only reward: GRPO from the same SFT model on the same scenes, with and without positions.

    python tools/ablate_reward.py runs/demo-0 runs/demo-1 runs/demo-2

Each folder is a finished ``wherewise demo``: its data and SFT model are used again, its GRPO run is the dense arm. The
other arm differs in one thing, the rewards. Prints JSON: accuracy of both on the unseen scenes, and the paired
difference by seed.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from wherewise.cli.config import load_config
from wherewise.cli.demo import Folders, evaluate, recipe
from wherewise.evaluation.compare import compare_runs
from wherewise.training.grpo.config import GRPOConfig
from wherewise.training.grpo.phase import train_grpo


def accuracy_only(demo: Path) -> Path:
    """Trains and evaluates the arm without the position reward; returns its folder in the shape of a demo's."""
    out = demo.with_name(f"{demo.name}-accuracy-only")
    dense, sparse = Folders(out=demo), Folders(out=out)
    out.mkdir(parents=True, exist_ok=True)
    if not sparse.data.exists():
        sparse.data.symlink_to(dense.data.resolve())
    seed = json.loads((demo / "seed.json").read_text(encoding="utf-8"))
    places = [
        f"out={sparse.run('GRPO')}",
        f"data.path={dense.data}",
        f"seed={seed}",
        f"model.path={dense.model('SFT')}",
    ]
    config = load_config(GRPOConfig, recipe("demo/grpo.yaml"), places).value
    kept = tuple(reward for reward in config.rewards if reward.name != "positions")
    if not (sparse.run("GRPO") / "final").exists():
        train_grpo(config.model_copy(update={"rewards": kept}))
    evaluate("GRPO", sparse, quiet=True)
    shutil.rmtree(sparse.run("GRPO") / "checkpoints", ignore_errors=True)
    return out


def main() -> None:
    """Runs the missing arms and prints the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demos", type=Path, nargs="+")
    rows = []
    for demo in parser.parse_args().demos:
        sparse = Folders(out=accuracy_only(demo)).evaluation("GRPO")
        dense = Folders(out=demo).evaluation("GRPO")
        result = compare_runs(sparse, dense)
        rows.append(
            {
                "demo": demo.name,
                "questions": result.micro.n,
                "sft": json.loads((Folders(out=demo).evaluation("SFT") / "summary.json").read_text())["micro"][
                    "estimate"
                ]["score"],
                "accuracy_only": result.score_a,
                "dense": result.score_b,
                "difference": result.micro.difference,
                "interval": [result.micro.low, result.micro.high],
                "p_value": result.micro.p_value,
            }
        )
    print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
