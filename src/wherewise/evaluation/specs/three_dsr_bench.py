"""3DSRBench: height, location, orientation and relations of objects in space (Ma et al. 2024)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

THREE_DSR_BENCH = BenchmarkSpec(
    name="3dsrbench",
    title="3DSRBench (circular)",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    official="circular",
    aggregates=("circular", "flip", "flip_circular"),
    license="CC-BY-4.0",
    source="3DSRBench, compute_3dsrbench_results: a question counts if all its rotations are right",
    hub_id="oscarqjh/3DSRBench_lmmseval",
    config="3dsr_circular",
    subsets={"test": 11686},
    files=("{config}/{split}-*.parquet", "*_circular.tsv", "{split}.jsonl"),
    columns=Columns(
        id="qid",
        question="question",
        answer="answer",
        option_columns=("A", "B", "C", "D"),
        task="category",
        images=("image",),
        tags={"qid": "qid"},
    ),
    prompts={
        "official": {
            "": Prompt(
                text="Question: {question}\nOptions:\n{options}\n"
                "Please select the correct answer from the options above. \n"
            )
        }
    },
)
