"""SpatialBench: existence, reach, size, position and counting (Cai et al., SpatialBot, 2024)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

SPATIAL_BENCH = BenchmarkSpec(
    name="spatialbench",
    title="SpatialBench",
    layout=Layout.FILES,
    split="train",
    kind="mixed",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="github.com/hunarbatra/SpatialThinker, evaluation/evals.py: answers equal to the gold, mean over questions",
    hub_id="hunarbatra/SpatialBench",
    subsets={"existence": 40, "reach": 40, "size": 40, "positional": 34, "counting": 20},
    columns=Columns(
        id="",
        question="text",
        answer="answer",
        options_in_question=True,
        task="category",
        subset="category",
        images=("image",),
    ),
    prompts={"official": {"": Prompt(text="{text} Please give the final answer within answer tags.")}},
    remarks=("SpatialBot's own scores of pairs and of counts are not applied",),
)
