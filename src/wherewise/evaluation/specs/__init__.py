"""The benchmarks that wherewise knows. To add one, write a file with a `BenchmarkSpec` and list it here."""

from __future__ import annotations

import difflib

from wherewise.evaluation.specs.blink import BLINK
from wherewise.evaluation.specs.dataset import DATASET, SIMULATED
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Metric, sample_from_row
from wherewise.samples.errors import InputError

BENCHMARKS: dict[str, BenchmarkSpec] = {spec.name: spec for spec in (BLINK, DATASET, SIMULATED)}


def get_benchmark(name: str) -> BenchmarkSpec:
    """The benchmark of this name.

    Raises:
        InputError: There is none; the message suggests a close name.
    """
    if name not in BENCHMARKS:
        close = difflib.get_close_matches(name, BENCHMARKS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise InputError(f"no benchmark {name!r}{hint} Known: {', '.join(sorted(BENCHMARKS))}")
    return BENCHMARKS[name]


__all__ = ["BENCHMARKS", "BenchmarkSpec", "Columns", "Layout", "Metric", "get_benchmark", "sample_from_row"]
