"""MMVU: expert knowledge in videos, 27 subjects of four fields (Zhao et al. 2025)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Derived, Layout, Prompt

_ASK = "\nQuestion:{question}\n{options}\nVisual Information: processed video\n"
_DIRECT = "Do not generate any intermediate reasoning process. "
_STEPS = " step by step. Begin by explaining your reasoning process\nclearly. Conclude by stating the final answer "

MMVU = BenchmarkSpec(
    name="mmvu",
    title="MMVU (validation)",
    layout=Layout.FILES,
    split="validation",
    kind="mixed",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="lmms-eval, tasks/mmvu: mean over questions; the subject is the clip's folder",
    hub_id="lmms-lab/MMVU",
    subsets={"validation": 1000},
    columns=Columns(
        id="id",
        question="question",
        answer="answer",
        options="choices",
        task="@subject",
        group="video_path",
        video="{video_path}",
        derived={"@subject": Derived(column="video_path", pattern=r"([^/]+)/[^/]+$")},
    ),
    prompts={
        "official": {
            "choice": Prompt(
                text=_ASK + _DIRECT + "Answer directly with the option letter from the\ngiven choices.\n",
                option="{letter}: {text}",
            ),
            "": Prompt(text=_ASK.replace("{options}\n", "") + _DIRECT + "Directly output the final answer.\n"),
        },
        "cot": {
            "choice": Prompt(
                text=_ASK
                + "Answer the given multiple-choice question"
                + _STEPS
                + 'using the following format: "Therefore, the final answer\nis: $LETTER" (without quotes), where '
                "$LETTER is one of the options. Think step by step before\nanswering.\n",
                option="{letter}: {text}",
            ),
            "": Prompt(
                text=_ASK.replace("{options}\n", "")
                + "Answer the given question"
                + _STEPS
                + 'using the following format: "Therefore, the final answer is: "Answer:\n$ANSWER" (without quotes), '
                "where $ANSWER is the final answer of the question. Think step by\nstep before answering.\n"
            ),
        },
    },
    remarks=("open answers must be equal to the gold answer, where the authors ask a judge",),
)
