"""NExT-QA: why, how, before and after in home videos (Xiao et al. 2021); multiple choice."""

from dataclasses import replace

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

NEXTQA = BenchmarkSpec(
    name="nextqa",
    title="NExT-QA (test)",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    official="nextqa_types",
    aggregates=("nextqa_types",),
    license="MIT; the videos under their own terms",
    source="github.com/doc-doc/NExT-QA, eval_mc.py: mean over questions, Acc_C, Acc_T, Acc_D; TP counts as TN",
    hub_id="lmms-eval/NExTQA",
    config="MC",
    subsets={"test": 8564},
    columns=Columns(
        id="{video}_{qid}",
        question="question",
        answer="answer",
        answer_index=True,
        option_columns=("a0", "a1", "a2", "a3", "a4"),
        task="type",
        group="video",
        video="NExTVideo/{video}.mp4",
    ),
    prompts={"official": {"": Prompt(text="{question}\n{options}")}},
)

NEXTQA_VAL = replace(NEXTQA, name="nextqa-val", title="NExT-QA (val)", split="val", hub_id="", subsets={"val": 4996})
