"""Video-MME: questions about short, medium and long videos (Fu et al. 2024), without subtitles."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

_ASK = (
    "Select the best answer to the following multiple-choice question based on the video{heard}. "
    "Respond with only the letter (A, B, C, or D) of the correct option.\n"
    "{question}\n{options}\nThe best answer is:"
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
    columns=Columns(
        id="question_id",
        question="question",
        answer="answer",
        options="options",
        task="task_type",
        group="videoID",
        video="data/{videoID}.mp4",
        tags={"duration": "duration"},
    ),
    prompts={
        "official": {"": Prompt(text=_ASK.replace("{heard}", ""))},
        "lmms-eval": {"": Prompt(text=_ASK.replace("{heard}", " and the subtitles"))},
    },
)
