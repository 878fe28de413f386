"""MindCube: what is where, seen from views around, among, and by turning (Yin et al. 2025)."""

from dataclasses import replace

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Derived, Layout, Prompt

MINDCUBE_TINY = BenchmarkSpec(
    name="mindcube-tiny",
    title="MindCube (tiny)",
    layout=Layout.FILES,
    split="combined",
    kind="choice",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="lmms-eval, tasks/mindcube: mean over questions, and by setting, which is the id's first word",
    hub_id="oscarqjh/MindCube_lmmseval",
    config="tiny",
    subsets={"combined": 1050},
    columns=Columns(
        id="id",
        question="question",
        answer="gt_answer",
        options_in_question=True,
        task="@setting",
        images=("images",),
        derived={
            "@setting": Derived(
                column="id",
                pattern=r"^([a-z]+)_",
                table={"among": "among", "rotation": "rotation", "around": "around", "aroundnew": "around"},
            )
        },
    ),
    prompts={"official": {"": Prompt(text="{input_prompt}", clean=("<image>",))}},
    remarks=("pictures come before the text instead of at the marks in it",),
)
MINDCUBE = replace(MINDCUBE_TINY, name="mindcube", title="MindCube (full)", config="full", subsets={"combined": 21154})
