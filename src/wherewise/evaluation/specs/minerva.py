"""MINERVA: several steps of reasoning over videos (Nagrani et al. 2025)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

MINERVA = BenchmarkSpec(
    name="minerva",
    title="MINERVA",
    layout=Layout.FILES,
    split="minerva",
    kind="choice",
    headline=Average.MICRO,
    aggregates=("by_category",),
    license="see the dataset's card",
    source="lmms-eval, tasks/minerva: mean over questions; an unreadable reply is wrong here, not random",
    hub_id="lmms-lab-eval/minerva",
    subsets={"minerva": 1341},
    files=("minerva.json", "{split}.jsonl", "test-*.parquet", "*/test-*.parquet"),
    columns=Columns(
        id="key",
        question="question",
        answer="answer_id",
        answer_index=True,
        option_columns=tuple(f"answer_choice_{i}" for i in range(5)),
        task="question_type",
        group="video_id",
        video="videos/{video_id}.mp4",
        tags={"category": "category"},
    ),
    prompts={
        "official": {
            "": Prompt(text="{question}\n{options}\nAnswer with the option's letter from the given choices directly.")
        }
    },
    remarks=(
        "clips are looked for in the folder videos",
        "1,341 questions are in the file of this repository; the paper has 1,515",
    ),
)
