"""MMSI-Bench: positions, attributes and motion over several pictures (Yang et al. 2025)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

MMSI_BENCH = BenchmarkSpec(
    name="mmsi-bench",
    title="MMSI-Bench",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="lmms-eval, tasks/mmsi_bench: mean over questions, and by question type",
    hub_id="RunsenXu/MMSI-Bench",
    subsets={"test": 1000},
    files=("data/{split}-*.parquet", "{split}-*.parquet", "*.parquet", "{split}.jsonl"),
    columns=Columns(id="id", question="question", answer="answer", letters=4, task="question_type", images=("images",)),
    prompts={
        "official": {
            "": Prompt(
                text="{question}\nAnswer with the option's letter from the given choices directly. "
                "Enclose the option's letter within ``."
            )
        }
    },
    remarks=("chance counts four options a question, whose texts stand in the question",),
)
