"""SAT: real test questions about motion and perspective (Ray et al. 2024)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

SAT = BenchmarkSpec(
    name="sat",
    title="SAT (test)",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    license="MIT",
    source="lmms-eval, tasks/sat: mean over questions",
    hub_id="array/SAT",
    subsets={"test": 150},
    files=("SAT_{split}*.parquet", "data/{split}-*.parquet", "{split}-*.parquet", "{split}.parquet"),
    columns=Columns(
        id="",
        question="question",
        answer="correct_answer",
        answer_text=True,
        options="answers",
        task="question_type",
        images=("image_bytes",),
    ),
    prompts={
        "official": {
            "": Prompt(
                text="{question}\nWhen multiple images are provided, You want to realize that when camera moves left, "
                "the objects in the image move right, and vice versa. And when you are asked about the movement of the "
                "same object captured in different images, you can compare the position of the object relative to "
                "other objects in the image to answer the question.\n\n{options}\n\n"
                "Only output the letter of the correct option and nothing else."
            )
        }
    },
    remarks=("options in the order of the file: the paper asks each question once for every place of the right one",),
)
