"""V*Bench: small details of large pictures (Wu and Xie 2023)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

VSTAR = BenchmarkSpec(
    name="vstar",
    title="V*Bench",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="lmms-eval, tasks/vstar_bench: mean over questions; the paper ranks options by likelihood",
    hub_id="lmms-lab-encoder/vstar-bench",
    subsets={"direct_attributes": 115, "relative_position": 76},
    columns=Columns(
        id="{category}-{question_id}",
        question="text",
        answer="label",
        options_in_question=True,
        task="category",
        subset="category",
        images=("image",),
    ),
    prompts={
        "official": {
            "": Prompt(text="{question}\n{options}\nAnswer with the option's letter from the given choices directly.")
        }
    },
    remarks=("use the shuffled test_questions.jsonl: copies with the truth always first score too high",),
)
