"""VideoMathQA: mathematics told in videos (Rasheed et al. 2025); one question of five options, or all its pairs."""

from dataclasses import replace

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

_ASK = (
    "Select the best answer to the following multiple-choice question based on the video{heard}. "
    "Respond with the letter ({letters}) of the correct option.\n{question}\n{options}\nThe best answer is:"
)
_HEARD = "This video's subtitles are listed below: \n{@subtitles}\n" + _ASK.replace("{heard}", " and the subtitles")
_FIVE = "A, B, C, D or E"


def _asked(text: str, letters: str) -> dict[str, Prompt]:
    return {"": Prompt(text=text.replace("{heard}", "").replace("{letters}", letters))}


_COLUMNS = Columns(
    id="question_id",
    question="question",
    answer="answer",
    options="options",
    task="category",
    group="videoID",
    video="videos/{videoID}.mp4",
    tags={"duration": "length"},
    subtitles="subtitles/{videoID}.srt",
)

VIDEO_MATH_QA = BenchmarkSpec(
    name="videomathqa",
    title="VideoMathQA (multiple choice)",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    aggregates=("by_duration",),
    license="see the dataset's card",
    source="lmms-eval, tasks/videomathqa: mean over questions, by length and by category",
    hub_id="MBZUAI/VideoMathQA",
    config="mcq",
    subsets={"test": 420},
    columns=_COLUMNS,
    prompts={"official": _asked(_ASK, _FIVE), "subtitles": _asked(_HEARD, _FIVE)},
)
VIDEO_MATH_QA_BINARY = replace(
    VIDEO_MATH_QA,
    name="videomathqa-mbin",
    title="VideoMathQA (multi-binary)",
    config="multi_binary",
    subsets={"test": 1680},
    official="all_variants",
    aggregates=("all_variants", "by_duration"),
    source="lmms-eval, tasks/videomathqa: a question counts if all its pairs of options are right",
    columns=replace(_COLUMNS, id="", tags={"duration": "length", "question_id": "question_id"}),
    prompts={"official": _asked(_ASK, "A or B"), "subtitles": _asked(_HEARD, "A or B")},
)
