"""BLINK: visual perception questions that people answer at a glance (Fu et al., ECCV 2024)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout

BLINK = BenchmarkSpec(
    name="blink",
    title="BLINK (val)",
    layout=Layout.HUB_PARQUET,
    split="val",
    kind="choice",
    headline=Average.MACRO,
    license="Apache-2.0",
    source="github.com/zeyofu/BLINK_Benchmark, eval/evaluate.py: mean over subtasks",
    hub_id="BLINK-Benchmark/BLINK",
    subsets={
        "Art_Style": 117,
        "Counting": 120,
        "Forensic_Detection": 132,
        "Functional_Correspondence": 130,
        "IQ_Test": 150,
        "Jigsaw": 150,
        "Multi-view_Reasoning": 133,
        "Object_Localization": 122,
        "Relative_Depth": 124,
        "Relative_Reflectance": 134,
        "Semantic_Correspondence": 139,
        "Spatial_Relation": 143,
        "Visual_Correspondence": 172,
        "Visual_Similarity": 135,
    },
    columns=Columns(
        id="idx",
        question="question",
        answer="answer",
        options="choices",
        task="sub_task",
        prompt="prompt",
        images=("image_1", "image_2", "image_3", "image_4"),
    ),
)
