"""TempCompass: action, direction, speed, order and change in clips (Liu et al. 2024)."""

from dataclasses import replace

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

_COLUMNS = Columns(
    id="",
    question="question",
    answer="answer",
    task="dim",
    group="video_id",
    video="videos/{video_id}.mp4",
    tags={"dim": "dim"},
)

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
    columns=replace(_COLUMNS, options_in_question=True),
    prompts={"official": {"": Prompt(text="{question}\n{options}\nPlease directly give the best option:")}},
)
TEMP_COMPASS_YES_NO = replace(
    TEMP_COMPASS,
    name="tempcompass-yes-no",
    title="TempCompass (yes or no)",
    config="yes_no",
    kind="boolean",
    subsets={"test": 2453},
    columns=_COLUMNS,
    prompts={"official": {"": Prompt(text="{question}\nPlease answer yes or no:")}},
)
TEMP_COMPASS_CAPTIONS = replace(
    TEMP_COMPASS,
    name="tempcompass-captions",
    title="TempCompass (caption matching)",
    config="caption_matching",
    subsets={"test": 1503},
    columns=replace(_COLUMNS, label_lines=True),
    prompts={"official": {"": Prompt(text="{@question}\nPlease directly give the best option:")}},
)
