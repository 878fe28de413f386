"""MME-RealWorld: large pictures from streets, cars, satellites, screens and documents (Zhang et al. 2024)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

MME_REALWORLD = BenchmarkSpec(
    name="mme-realworld",
    title="MME-RealWorld",
    layout=Layout.FILES,
    split="train",
    kind="choice",
    headline=Average.MICRO,
    aggregates=("by_category",),
    license="see the dataset's card",
    source="lmms-eval, tasks/mme_realworld: mean over questions, and by category",
    hub_id="yifanzhang114/MME-RealWorld-Lmms-eval",
    subsets={"train": 23609},
    columns=Columns(
        id="index",
        question="question",
        answer="answer",
        options="multi-choice options",
        task="l2-category",
        images=("bytes",),
        tags={"category": "category"},
    ),
    prompts={
        "official": {
            "": Prompt(
                text="{question} The choices are listed below:\n{options}\n"
                "Select the best answer to the above multiple-choice question based on the image. "
                "Respond with only the letter (A, B, C, D, or E) of the correct option.\nThe best answer is: ",
                option="({letter}) {text}",
            )
        }
    },
)
