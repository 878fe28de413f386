"""SpatialReasonerEval: depth and distance between objects (SpatialReasoner 2025, as SpatialThinker uses it)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout

SPATIAL_REASONER_EVAL = BenchmarkSpec(
    name="spatialreasoner-eval",
    title="SpatialReasonerEval",
    layout=Layout.FILES,
    split="train",
    kind="choice",
    headline=Average.MICRO,
    aggregates=("legacy_spatialthinker",),
    license="see the dataset's card",
    source="github.com/hunarbatra/SpatialThinker, evaluation/evals.py: mean over questions",
    hub_id="hunarbatra/SpatialReasonerEval",
    subsets={"Depth": 600, "Distance": 600},
    columns=Columns(
        id="",
        question="prompt",
        answer="answer",
        options="choices",
        task="task",
        subset="task",
        prompt="prompt",
        images=("image",),
    ),
)
