"""CV-Bench: counting, relations, depth and distance on ADE20K, COCO and Omni3D (Tong et al., Cambrian-1, 2024)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout

CV_BENCH = BenchmarkSpec(
    name="cv-bench",
    title="CV-Bench",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    official="cv_bench",
    aggregates=(
        "cv_bench",
        "cv_bench_2d",
        "cv_bench_3d",
        "cv_bench_qualitative",
        "legacy_spatialthinker",
        "legacy_reinforcesight",
    ),
    license="see the dataset's card",
    source="CV-Bench: ((ADE20K + COCO) / 2 + Omni3D) / 2 over accuracies by source",
    hub_id="nyu-visionx/CV-Bench",
    files=("test_*.parquet", "{split}-*.parquet", "{split}.jsonl"),
    subsets={"Count": 788, "Relation": 650, "Depth": 600, "Distance": 600},
    columns=Columns(
        id="{type}-{idx}",
        question="question",
        answer="answer",
        options="choices",
        task="task",
        subset="task",
        prompt="prompt",
        images=("image",),
        tags={"source": "source", "type": "type"},
    ),
)
