"""SITE-Bench: spatial intelligence in pictures and in clips, corrected for chance (Wang et al. 2025)."""

from dataclasses import replace

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

_ASK = "Question: {question}\nOptions:\n{options}\nGive me the answer letter directly. The best answer is:"
_CLIP = (
    "Select the best answer to the following multiple-choice question based on the video. "
    "Respond with only the letter of the correct option.\n"
)

SITE_IMAGE = BenchmarkSpec(
    name="site-image",
    title="SITE-Bench (pictures)",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    official="caa",
    aggregates=("caa", "by_category"),
    license="CC-BY-4.0",
    source="VLMEvalKit, dataset/sitebench.py (EASI): chance-adjusted accuracy over all questions",
    hub_id="franky-veteran/SITE-Bench",
    files=("SiteBenchImage*.tsv", "SiteBenchImage*.parquet", "image.jsonl"),
    columns=Columns(
        id="index",
        question="question",
        answer="answer",
        options="options",
        task="category",
        images=("image_path",),
        tags={"category": "category"},
    ),
    prompts={"official": {"": Prompt(text=_ASK, option="{letter}: {text}", clean=("<image>",))}},
    remarks=(
        "the records are EASI's TSV files, beside the media of the hub's archives",
        "pictures come before the text instead of at the marks in it",
        "how many records there should be is not recorded here, so a short copy goes unnoticed",
    ),
)
SITE_VIDEO = replace(
    SITE_IMAGE,
    name="site-video",
    title="SITE-Bench (clips)",
    files=("SiteBenchVideo*.tsv", "SiteBenchVideo*.parquet", "video.jsonl"),
    columns=Columns(
        id="index",
        question="question",
        answer="answer",
        options="candidates",
        task="category",
        video="{video_path}",
        tags={"category": "category"},
    ),
    prompts={"official": {"": Prompt(text=_CLIP + _ASK, option="{letter}: {text}")}},
    remarks=SITE_IMAGE.remarks[::2],
)
