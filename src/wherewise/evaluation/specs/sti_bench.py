"""STI-Bench: sizes, distances, motion and pose from clips of desks, rooms and streets (Li et al. 2025)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

STI_BENCH = BenchmarkSpec(
    name="sti-bench",
    title="STI-Bench",
    layout=Layout.FILES,
    split="qa",
    kind="choice",
    headline=Average.MICRO,
    aggregates=("by_scene",),
    license="see the dataset's card",
    source="github.com/MINT-SJTU/STI-Bench, opensource_test.py: mean over questions, by task and by scene",
    hub_id="MINT-SJTU/STI-Bench",
    subsets={"qa": 2064},
    files=("qa.parquet", "{split}.jsonl"),
    columns=Columns(
        id="{Video}-{ID}",
        question="Question",
        answer="Answer",
        options="Candidates",
        task="Task",
        group="Video",
        video="video/{Video}",
        tags={"scene": "Scene"},
    ),
    prompts={
        "official": {
            "": Prompt(
                text="From {time_start} s to {time_end} s. {question}\n{options}\n"
                "Please output only the option letter!",
                option="({letter}) {text}",
            )
        }
    },
)
