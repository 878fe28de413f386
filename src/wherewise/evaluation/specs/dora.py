"""Dora's multiple choice: questions of a children's series with four answers, in a six-way breakdown (2026)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

DORA_BREAKDOWN = (
    "reasoning_category",
    "compositional_complexity",
    "temporal_span",
    "requires_visual",
    "requires_transcript",
    "modality",
)
"""Columns by which the authors break the accuracy down."""

DORA_MCQ = BenchmarkSpec(
    name="dora-mcq",
    title="DoraVQA (multiple choice)",
    layout=Layout.FILES,
    split="mcq_dataset",
    kind="choice",
    headline=Average.MICRO,
    aggregates=(*(f"by_{name}" for name in DORA_BREAKDOWN), "legacy_answered_only"),
    license="see the dataset's card",
    source="github.com/ostadabbas/SoS-Structure-Over-Scale, scripts/generate_dora_vqa.py and eval_mcq.py; "
    "a reply without a digit is wrong here, not left out",
    files=("mcq_dataset*.json", "{split}*.jsonl", "{split}*.parquet"),
    columns=Columns(
        id="",
        question="question",
        answer="correct_index",
        answer_index=True,
        options="choices",
        labels=("0", "1", "2", "3"),
        task="reasoning_category",
        group="{season}-{episode}",
        images=("images",),
        lenient=True,
        tags={name: name for name in DORA_BREAKDOWN},
    ),
    prompts={
        "official": {
            "": Prompt(
                text="Think step by step and choose one correct choice from 0, 1, 2 or 3. Only return one single digit "
                "as the best answer.\nContext: {transcript}\nQuestion: {question}\nChoices: {@options_json}"
            )
        }
    },
    remarks=(
        "the questions are not published: pass --data a folder with the authors' file, with frames in a column images",
    ),
)
