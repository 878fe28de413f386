"""NLVR: is a sentence true of coloured shapes in three boxes (Suhr et al. 2017); development split."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout

NLVR_DEV = BenchmarkSpec(
    name="nlvr-dev",
    title="NLVR (dev, first arrangement of the boxes)",
    layout=Layout.FILES,
    split="dev",
    kind="boolean",
    headline=Average.MICRO,
    license="CC-BY-4.0",
    source="github.com/lil-lab/nlvr: accuracy; one of a sentence's six pictures; the wording as a question is ours",
    subsets={"dev": 989},
    columns=Columns(
        id="identifier",
        question="Is this statement about the picture true? {sentence}",
        answer="label",
        images=("images/dev-{identifier}-0.png",),
    ),
)
