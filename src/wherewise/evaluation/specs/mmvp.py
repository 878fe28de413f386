"""MMVP: pairs of pictures that CLIP takes for alike (Tong et al., Eyes Wide Shut, 2024)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

MMVP = BenchmarkSpec(
    name="mmvp",
    title="MMVP",
    layout=Layout.FILES,
    split="train",
    kind="choice",
    headline=Average.MICRO,
    official="pair_accuracy",
    aggregates=("pair_accuracy",),
    license="see the dataset's card",
    source="github.com/tsb0601/MMVP: both questions of a pair right; read by rule instead of the authors' GPT-4 grader",
    hub_id="lmms-lab-eval/MMVP",
    subsets={"train": 300},
    columns=Columns(
        id="Index",
        question="Question",
        answer="Correct Answer",
        options="Options",
        images=("image",),
        tags={"index": "Index"},
    ),
    prompts={
        "official": {
            "": Prompt(
                text="{question}\n{options}\nAnswer with the option's letter from the given choices directly.",
            )
        }
    },
    gold_fixes={"99": "(b)", "100": "(a)", "279": "(b)", "280": "(a)"},
)
