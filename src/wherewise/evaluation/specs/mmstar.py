"""MMStar: questions that need their picture, six core abilities of 250 each (Chen et al. 2024)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

MMSTAR = BenchmarkSpec(
    name="mmstar",
    title="MMStar (val)",
    layout=Layout.FILES,
    split="val",
    kind="choice",
    headline=Average.MACRO,
    aggregates=("by_l2_category",),
    license="see the dataset's card",
    source="lmms-eval, tasks/mmstar: columns, wording; the score is the mean over the six core abilities",
    hub_id="Lin-Chen/MMStar",
    files=("{split}-*.parquet", "mmstar.parquet", "data/{split}-*.parquet", "{split}.jsonl"),
    subsets={"val": 1500},
    columns=Columns(
        id="index",
        question="question",
        answer="answer",
        options_in_question=True,
        task="category",
        images=("image",),
        tags={"l2_category": "l2_category"},
    ),
    prompts={
        "official": {"": Prompt(text="{@question}\nAnswer with the option's letter from the given choices directly")}
    },
    remarks=("lmms-eval's average is over the 18 detailed axes instead",),
)
