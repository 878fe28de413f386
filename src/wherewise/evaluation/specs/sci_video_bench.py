"""SciVideoBench: scientific experiments on video, ten options a question (Deng et al. 2025)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

_ASK = "{question}\n{options}\n\nAnswer"

SCI_VIDEO_BENCH = BenchmarkSpec(
    name="scivideobench",
    title="SciVideoBench",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    aggregates=("by_category",),
    license="see the dataset's card",
    source="lmms-eval, tasks/scivideobench: mean over questions; an unreadable reply is wrong here, not random",
    hub_id="groundmore/scivideobench",
    files=("scivideobench_1k.jsonl", "{split}-*.parquet", "data/{split}-*.parquet", "{split}.jsonl"),
    subsets={"test": 1000},
    columns=Columns(
        id="",
        question="question",
        answer="answer",
        options="options",
        task="question_type",
        group="video_id",
        video="jove_{video_id}.mp4",
        tags={"category": "category"},
    ),
    prompts={
        "official": {
            "": Prompt(
                text=_ASK + " with the option's letter from the given choices directly.", frames_of="video_duration"
            )
        },
        "cot": {
            "": Prompt(
                text=_ASK + " the given question step-by-step. Begin by explaining your reasoning process clearly. "
                "Conclude by stating the final answer using the following format: “Therefore, the final answer is: "
                "$LETTER” (without quotes), where $LETTER is one of the options. Think step by step before answering.",
                frames_of="video_duration",
            )
        },
    },
)
