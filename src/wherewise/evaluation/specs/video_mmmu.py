"""Video-MMMU: knowledge from lectures, in three tracks (Hu et al. 2025)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Derived, Layout, Prompt

_SUBJECT = r"^[^_]+_(.+)_\d+$"
_FIELDS = {
    "Art": ("Art", "Art_Theory", "Design", "Music"),
    "Business": ("Accounting", "Economics", "Finance", "Manage", "Marketing"),
    "Engineering": (
        "Agriculture",
        "Architecture_and_Engineering",
        "Computer_Science",
        "Electronics",
        "Energy_and_Power",
        "Materials",
        "Mechanical_Engineering",
    ),
    "Humanities": ("History", "Literature", "Sociology", "Psychology"),
    "Medicine": (
        "Basic_Medical_Science",
        "Clinical_Medicine",
        "Diagnostics_and_Laboratory_Medicine",
        "Pharmacy",
        "Public_Health",
    ),
    "Science": ("Biology", "Chemistry", "Geography", "Math", "Physics"),
}
_LEARN = (
    "Please directly output the option letter/data as the answer. You should watch and learn the video content. "
    "Then apply what you learned to answer the following {kind} question. "
    "The image for this question is at the end of the video.\n{question}"
)
_SEEN = Prompt(text="{question}\n{options}\nPlease directly output the option letter/data as the answer.")

VIDEO_MMMU = BenchmarkSpec(
    name="video-mmmu",
    title="Video-MMMU",
    layout=Layout.HUB_PARQUET,
    split="test",
    kind="mixed",
    headline=Average.MACRO,
    aggregates=("by_field",),
    license="see the dataset's card",
    source="lmms-eval, tasks/videommmu: mean over the three tracks",
    hub_id="lmms-lab/VideoMMMU",
    subsets={"Perception": 300, "Comprehension": 300, "Adaptation": 300},
    columns=Columns(
        id="{@subset}/{id}",
        question="question",
        answer="answer",
        options="options",
        group="{id}",
        video="{@field}/{id}.mp4",
        tags={"field": "@field"},
        derived={
            "@field": Derived(
                column="id", pattern=_SUBJECT, table={name: field for field, names in _FIELDS.items() for name in names}
            )
        },
    ),
    prompts={
        "official": {
            "": _SEEN,
            "Adaptation/choice": Prompt(text=_LEARN.replace("{kind}", "multi-choice") + "\n{options}"),
            "Adaptation": Prompt(text=_LEARN.replace("{kind}", "open-ended")),
        }
    },
    remarks=("open answers must be equal to the gold answer, where lmms-eval looks for it inside the reply",),
)
