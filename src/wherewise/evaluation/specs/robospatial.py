"""RoboSpatial-Home: does it fit, where is it, and which spot is free (Song et al. 2025)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.metrics_rows import Metric
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

ROBOSPATIAL_HOME = BenchmarkSpec(
    name="robospatial-home",
    title="RoboSpatial-Home",
    layout=Layout.FILES,
    split="test",
    kind="mixed",
    headline=Average.MICRO,
    metric=Metric.POINT_IN_POLYGON,
    license="see the dataset's card",
    source="github.com/chanhee-luke/RoboSpatial-Eval, evaluation.py: yes/no, or the first point inside the polygon",
    hub_id="chanhee-luke/RoboSpatial-Home",
    files=(
        "data/co*-*.parquet",
        "co*-*.parquet",
        "{split}.jsonl",
    ),
    subsets={"configuration": 123, "compatibility": 105, "context": 122},
    columns=Columns(
        id="",
        question="question",
        answer="answer",
        task="category",
        subset="category",
        images=("img",),
    ),
    prompts={"official": {"": Prompt(text="{question}")}},
)
