"""TempCompass: action, direction, speed, order and change in clips (Liu et al. 2024); multiple choice."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

TEMP_COMPASS = BenchmarkSpec(
    name="tempcompass-mc",
    title="TempCompass (multiple choice)",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    aggregates=("by_dim",),
    license="CC-BY-NC-4.0",
    source="github.com/llyx97/TempCompass: mean over questions; read by rule alone, where the authors also ask GPT-3.5",
    hub_id="lmms-eval/TempCompass",
    config="multi-choice",
    subsets={"test": 1580},
    columns=Columns(
        id="",
        question="question",
        answer="answer",
        options_in_question=True,
        task="dim",
        group="video_id",
        video="videos/{video_id}.mp4",
        tags={"dim": "dim"},
    ),
    prompts={"official": {"": Prompt(text="{question}\n{options}\nPlease directly give the best option:")}},
)
