"""Video-MME: questions about short, medium and long videos (Fu et al. 2024), without or with subtitles."""

from dataclasses import replace

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

_ASK = (
    "Select the best answer to the following multiple-choice question based on the video{heard}. "
    "Respond with only the letter (A, B, C, or D) of the correct option.\n"
    "{question}\n{options}\nThe best answer is:"
)

_COLUMNS = Columns(
    id="question_id",
    question="question",
    answer="answer",
    options="options",
    task="task_type",
    group="videoID",
    video="data/{videoID}.mp4",
    tags={"duration": "duration"},
)

VIDEO_MME = BenchmarkSpec(
    name="video-mme",
    title="Video-MME (without subtitles)",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    aggregates=("by_duration",),
    license="see the dataset's card",
    source="Video-MME: mean over questions, and by duration",
    hub_id="lmms-eval/Video-MME",
    subsets={"test": 2700},
    columns=_COLUMNS,
    prompts={
        "official": {"": Prompt(text=_ASK.replace("{heard}", ""))},
        "lmms-eval": {"": Prompt(text=_ASK.replace("{heard}", " and the subtitles"))},
    },
)
VIDEO_MME_SUBTITLES = replace(
    VIDEO_MME,
    name="video-mme-subtitles",
    title="Video-MME (with subtitles)",
    source="lmms-eval, tasks/videomme: mean over questions, and by duration",
    columns=replace(_COLUMNS, subtitles="subtitle/{videoID}.srt"),
    prompts={
        "official": {
            "": Prompt(
                text="This video's subtitles are listed below: \n{@subtitles}\n"
                + _ASK.replace("{heard}", " and the subtitles")
            )
        }
    },
    remarks=("all cues of the clip are shown, where the paper takes those at the shown frames",),
)
