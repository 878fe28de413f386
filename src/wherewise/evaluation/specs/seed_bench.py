"""SEED-Bench: twelve kinds of questions about pictures and clips (Li et al. 2023)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

SEED_BENCH = BenchmarkSpec(
    name="seed-bench",
    title="SEED-Bench",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    aggregates=("by_data_type",),
    license="see the dataset's card",
    source="lmms-eval, tasks/seedbench: mean over questions, and over pictures and clips apart",
    hub_id="lmms-lab-encoder/SEED-Bench",
    subsets={"test": 17990},
    columns=Columns(
        id="question_id",
        question="question",
        answer="answer",
        option_columns=("choice_a", "choice_b", "choice_c", "choice_d"),
        task="question_type_id",
        images=("image",),
        tags={"data_type": "data_type"},
    ),
    prompts={
        "official": {
            "": Prompt(text="{question}\n{options}\nAnswer with the option's letter from the given choices directly.")
        }
    },
)
