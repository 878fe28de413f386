"""VSR: is a caption about two objects true of the picture (Liu et al. 2023)."""

from dataclasses import replace

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout

VSR_ZEROSHOT = BenchmarkSpec(
    name="vsr-zeroshot",
    title="VSR (zero-shot split, test)",
    layout=Layout.FILES,
    split="test",
    kind="boolean",
    headline=Average.MICRO,
    license="Apache-2.0; the pictures under COCO's terms",
    source="github.com/cambridgeltl/visual-spatial-reasoning: accuracy; the wording as a question is ours",
    config="zeroshot",
    files=("{config}/{split}.jsonl", "splits/{config}/{split}.jsonl", "{split}.jsonl"),
    subsets={"test": 1222},
    columns=Columns(
        id="",
        question="Is this statement about the picture true? {caption}",
        answer="label",
        task="relation",
        group="image",
        images=("images/{image}",),
    ),
)

VSR_RANDOM = replace(
    VSR_ZEROSHOT, name="vsr-random", title="VSR (random split, test)", config="random", subsets={"test": 2195}
)
