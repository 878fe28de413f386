"""STVQA-7K: the validation split of SpatialThinker's own questions (2025)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

STVQA_7K = BenchmarkSpec(
    name="stvqa-7k",
    title="STVQA-7K (val)",
    layout=Layout.FILES,
    split="val",
    kind="choice",
    headline=Average.MICRO,
    aggregates=("legacy_spatialthinker",),
    license="see the dataset's card",
    source="github.com/hunarbatra/SpatialThinker, evaluation/evals.py: mean over questions",
    hub_id="hunarbatra/STVQA-7K",
    subsets={"val": 692},
    columns=Columns(
        id="",
        question="question_with_options",
        answer="answer_only",
        options="options",
        images=("images",),
    ),
    prompts={"official": {"": Prompt(text="Question: {question_with_options}")}},
    remarks=("pictures of the validation split also occur in the training split",),
)
