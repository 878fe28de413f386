"""SPAR-Bench: 20 tasks from depth to imagined views, with one or several pictures (Zhang et al. 2025)."""

from wherewise.evaluation.metrics_aggregates import SPAR_LEVELS, Average
from wherewise.evaluation.metrics_rows import Metric
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

_LETTER = "Answer with the option's letter from the given choices directly."
_BOXES = Prompt(
    text="\n{question}\nThe values represent the bounding box coordinates normalized to a 0-1000 scale, "
    "with the top-left corner as the origin of the image.\n" + _LETTER
)

SPAR_BENCH = BenchmarkSpec(
    name="spar-bench",
    title="SPAR-Bench",
    layout=Layout.FILES,
    split="test",
    kind="by_task",
    kinds={
        **{task: "choice" for level in ("Middle", "High") for task in SPAR_LEVELS[level]},
        **{task: "number" for task in SPAR_LEVELS["Low"]},
        "view_change_infer": "text",
    },
    headline=Average.MACRO,
    official="spar_levels",
    aggregates=("spar_levels",),
    metrics={"number": Metric.MRA, "view_change_infer": Metric.VIEW_CHANGE},
    license="see the dataset's card",
    source="lmms-eval, tasks/sparbench: mean over 20 tasks; a letter must be equal, not part of the gold answer",
    hub_id="jasonzhango/SPAR-Bench",
    subsets={"test": 7211},
    columns=Columns(id="id", question="question", answer="answer", letters=4, task="task", images=("image",)),
    prompts={
        "official": {
            "number": Prompt(text="\n{question}\nPlease answer the question using a single word or phrase."),
            "choice": Prompt(text="\n{question}\n\n" + _LETTER),
            "position_matching": _BOXES,
            "camera_motion_infer": _BOXES,
            "view_change_infer": Prompt(text="\n{question}\n\n"),
        }
    },
    remarks=("chance counts four options a question, whose texts stand in the question",),
)
