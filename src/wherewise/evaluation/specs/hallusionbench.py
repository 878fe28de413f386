"""HallusionBench: questions that a picture contradicts or a habit answers (Guan et al. 2024); with figures only."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout

HALLUSIONBENCH = BenchmarkSpec(
    name="hallusionbench",
    title="HallusionBench (image)",
    layout=Layout.FILES,
    split="image",
    kind="boolean",
    headline=Average.MICRO,
    official="aAcc",
    aggregates=("aAcc", "qAcc", "fAcc"),
    license="BSD-3-Clause",
    source="github.com/tianyi-lab/HallusionBench; read by rule instead of the authors' GPT-4 judge",
    hub_id="lmms-lab/HallusionBench",
    subsets={"image": 951},
    columns=Columns(
        id="{category}_{subcategory}_{set_id}_{figure_id}_{question_id}",
        question="question",
        answer="gt_answer",
        task="category",
        prompt="question",
        images=("image",),
        tags={name: name for name in ("category", "subcategory", "set_id", "figure_id", "question_id")},
    ),
)
