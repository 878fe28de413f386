"""A dataset made by wherewise: its `test` split, scored by task."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Layout

DATASET = BenchmarkSpec(
    name="dataset",
    title="wherewise dataset (test)",
    layout=Layout.WHEREWISE,
    split="test",
    kind="",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="exact answers known from the scene",
)

SIMULATED = BenchmarkSpec(
    name="simulated",
    title="Simulated rooms (test)",
    layout=Layout.WHEREWISE,
    split="test",
    kind="",
    headline=Average.MICRO,
    license="Apache-2.0",
    source="exact answers computed from the simulated scene",
)
