"""MLVU: long videos, seven tasks of multiple choice (Zhou et al. 2024)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

MLVU_DEV = BenchmarkSpec(
    name="mlvu-dev",
    title="MLVU (dev, multiple choice)",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MACRO,
    license="see the dataset's card",
    source="lmms-eval, tasks/mlvu: M-Avg, the mean over tasks",
    hub_id="sy1998/MLVU_dev",
    subsets={"test": 2174},
    columns=Columns(
        id="",
        question="question",
        answer="answer",
        options_in_question=True,
        task="task_type",
        group="video_name",
        video="{video_name}",
    ),
    prompts={
        "official": {"": Prompt(text="\n{@question}\nOnly give the best option.\n\nBest option: (")},
    },
)
