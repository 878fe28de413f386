"""Anyone's own questions: one file of records with the columns named here."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout

RECORDS = BenchmarkSpec(
    name="records",
    title="Own records",
    layout=Layout.FILES,
    split="test",
    kind="mixed",
    headline=Average.MICRO,
    license="yours",
    source="exact answers: a letter or option, yes or no, a number, a text",
    files=("{split}.jsonl", "{split}.json", "{split}*.parquet", "{split}.csv", "*.jsonl", "*.json", "*.parquet"),
    columns=Columns(
        id="id",
        question="question",
        answer="answer",
        options="options",
        task="task",
        images=("images",),
        videos=("video",),
        lenient=True,
    ),
)
