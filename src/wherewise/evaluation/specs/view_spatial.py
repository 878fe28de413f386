"""ViewSpatial-Bench: directions from the camera's and from a person's view (Li et al. 2025)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

VIEW_SPATIAL = BenchmarkSpec(
    name="viewspatial",
    title="ViewSpatial-Bench",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="lmms-eval, tasks/viewspatial: mean over questions, and by the five question types",
    hub_id="oscarqjh/ViewSpatial_lmmseval",
    subsets={"test": 5712},
    columns=Columns(
        id="",
        question="question",
        answer="answer",
        options="choices",
        task="question_type",
        images=("images",),
    ),
    prompts={
        "official": {
            "": Prompt(
                text="Question: {question}\nChoices: {choices}\nReply only to the corresponding option.\nAnswer:"
            )
        }
    },
)
