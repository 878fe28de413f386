"""EmbSpatial-Bench: relations between objects as an agent sees them (Du et al. 2024)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

EMBSPATIAL = BenchmarkSpec(
    name="embspatial",
    title="EmbSpatial-Bench",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    aggregates=("by_source",),
    license="see the dataset's card",
    source="lmms-eval, tasks/embspatial: mean over questions",
    hub_id="FlagEval/EmbSpatial-Bench",
    subsets={"test": 3640},
    columns=Columns(
        id="question_id",
        question="question",
        answer="answer",
        answer_index=True,
        options="answer_options",
        task="relation",
        images=("image",),
        tags={"data_source": "data_source"},
    ),
    prompts={
        "official": {
            "": Prompt(
                text="Note: You only need to respond with A, B, C, D without providing any additional information.\n"
                "{question}\n{options}",
                option="{letter}) {text}",
            )
        }
    },
)
