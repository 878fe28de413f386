"""RealWorldQA: questions about photographs, many from cars (xAI 2024)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout

REALWORLDQA = BenchmarkSpec(
    name="realworldqa",
    title="RealWorldQA",
    layout=Layout.FILES,
    split="test",
    kind="mixed",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="lmms-eval, tasks/realworldqa: mean over questions; letter, word or number",
    hub_id="visheratin/realworldqa",
    subsets={"test": 765},
    columns=Columns(
        id="",
        question="question",
        answer="answer",
        options_in_question=True,
        prompt="question",
        images=("image",),
    ),
)
