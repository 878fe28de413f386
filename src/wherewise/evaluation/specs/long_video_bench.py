"""LongVideoBench: referring questions about videos of up to an hour (Wu et al. 2024), without subtitles."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

LONG_VIDEO_BENCH = BenchmarkSpec(
    name="longvideobench",
    title="LongVideoBench (validation)",
    layout=Layout.FILES,
    split="validation",
    kind="choice",
    headline=Average.MICRO,
    aggregates=("by_duration",),
    license="see the dataset's card",
    source="lmms-eval, tasks/longvideobench: mean over questions; an unreadable reply is wrong here, not random",
    hub_id="longvideobench/LongVideoBench",
    subsets={"validation": 1337},
    columns=Columns(
        id="id",
        question="question",
        answer="correct_choice",
        answer_index=True,
        option_columns=("option0", "option1", "option2", "option3", "option4"),
        task="question_category",
        group="video_path",
        video="videos/{video_path}",
        tags={"duration": "duration_group"},
    ),
    prompts={
        "official": {
            "": Prompt(text="{question}\n{options}\nAnswer with the option's letter from the given choices directly.\n")
        }
    },
)
