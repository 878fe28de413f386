"""VSI-Bench: questions about a room from a walk through it (Yang et al., Thinking in Space, 2024)."""

from dataclasses import replace

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.metrics_rows import Metric
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

_FRAMES = "These are frames of a video.\n{question}\n"
_LETTER = "Options:\n{options}\nAnswer with the option's letter from the given choices directly."
_COLUMNS = Columns(
    id="id",
    question="question",
    answer="ground_truth",
    options="options",
    task="question_type",
    subset="question_type",
    group="{dataset}/{scene_name}",
    video="{dataset}/{scene_name}.mp4",
    tags={"dataset": "dataset"},
)

VSI_BENCH = BenchmarkSpec(
    name="vsi-bench",
    title="VSI-Bench",
    layout=Layout.FILES,
    split="test",
    kind="mixed",
    headline=Average.MICRO,
    official="vsi_mean_of_8",
    aggregates=("vsi_mean_of_8", "legacy_video_r2"),
    metrics={"number": Metric.MRA},
    license="Apache-2.0; the scans under their own terms",
    source="github.com/vision-x-nyu/thinking-in-space, lmms_eval/tasks/vsibench/utils.py",
    hub_id="nyu-visionx/VSI-Bench",
    files=("full/{split}-*.parquet", "{split}-*.parquet", "{split}.parquet", "{split}.jsonl"),
    subsets={
        "object_size_estimation": 953,
        "object_abs_distance": 834,
        "object_rel_distance": 710,
        "obj_appearance_order": 618,
        "object_counting": 565,
        "object_rel_direction_medium": 378,
        "object_rel_direction_hard": 373,
        "room_size_estimation": 288,
        "object_rel_direction_easy": 217,
        "route_planning": 194,
    },
    columns=_COLUMNS,
    prompts={
        "official": {
            "choice": Prompt(text=_FRAMES + _LETTER),
            "number": Prompt(text=_FRAMES + "Please answer the question using a single word or phrase."),
        },
        "api": {
            "choice": Prompt(text=_FRAMES + _LETTER),
            "number": Prompt(text=_FRAMES + "Do not response anything other than a single number!"),
        },
    },
)

VSI_BENCH_DEBIASED = replace(
    VSI_BENCH,
    name="vsi-bench-debiased",
    title="VSI-Bench (debiased)",
    files=("debiased/{split}-*.parquet", "{split}_debiased*.parquet", "{split}-*.parquet"),
    subsets={"test": 2362},
    columns=replace(_COLUMNS, subset=""),
)
