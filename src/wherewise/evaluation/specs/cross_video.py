"""CVBench: questions over two to four clips at once (Zhu et al. 2025); not the CV-Bench of pictures."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

_LETTER = (
    "Select the best answer to the following multiple-choice based on the listed all videos. "
    "Respond with only the letter (A, B, C, or D) of the correct option.\n{question}\n{options}\nThe best answer is:"
)
_WORD = (
    "Select the best answer to the following yes-no question based on the listed all videos. "
    "Respond with only the word (Yes or No) of the correct option.\n{question}\n{options}\nThe best answer is:"
)

CROSS_VIDEO = BenchmarkSpec(
    name="cvbench-video",
    title="CVBench (cross-video)",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="github.com/Hokhim2/CVBench, lmms_eval/tasks/mvr: mean over questions, and by 15 task types",
    hub_id="Dongyh35/CVBench",
    subsets={"test": 1000},
    columns=Columns(
        id="id",
        question="question",
        answer="answer",
        options="options",
        task="task_type",
        videos=("video_1", "video_2", "video_3", "video_4"),
    ),
    prompts={"official": {"": Prompt(text=_LETTER), "yes_no": Prompt(text=_WORD, option="{text}")}},
)
