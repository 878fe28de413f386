"""MVBench: twenty kinds of questions that need time (Li et al. 2024)."""

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Derived, Layout, Prompt

_FOLDERS = {
    "action_antonym": "ssv2_video_mp4",
    "action_count": "perception/videos",
    "action_localization": "sta/sta_video_segment",
    "action_prediction": "star/Charades_segment",
    "action_sequence": "star/Charades_segment",
    "character_order": "perception/videos",
    "counterfactual_inference": "clevrer/video_validation",
    "egocentric_navigation": "vlnqa",
    "episodic_reasoning": "tvqa/video_fps3_hq_segment",
    "fine_grained_action": "Moments_in_Time_Raw/videos",
    "fine_grained_pose": "nturgbd_convert",
    "moving_attribute": "clevrer/video_validation",
    "moving_count": "clevrer/video_validation",
    "moving_direction": "clevrer/video_validation",
    "object_existence": "clevrer/video_validation",
    "object_interaction": "star/Charades_segment",
    "object_shuffle": "perception/videos",
    "scene_transition": "scene_qa/video",
    "state_change": "perception/videos",
    "unexpected_action": "FunQA_test/test",
}
"""Folder of each task's clips in the revision ``video`` of the hub's repository."""

_ASK = "Question:{question}\nOption:\n{options}\n"

MVBENCH = BenchmarkSpec(
    name="mvbench",
    title="MVBench",
    layout=Layout.FILES,
    split="train",
    kind="choice",
    headline=Average.MACRO,
    license="see the dataset's card",
    source="lmms-eval, tasks/mvbench: mean over 20 tasks; a reply without an answer is wrong here, not left out",
    hub_id="OpenGVLab/MVBench",
    files=("json/*.json", "*/{split}-*.parquet"),
    subsets=dict.fromkeys(sorted(_FOLDERS), 200),
    columns=Columns(
        id="",
        question="question",
        answer="answer",
        answer_text=True,
        options="candidates",
        task="@file",
        subset="@file",
        group="{@folder}/{video}",
        video="{@folder}/{video}",
        derived={"@folder": Derived(column="@file", table=_FOLDERS)},
    ),
    prompts={
        "official": {"": Prompt(text=_ASK + "Only give the best option.\nBest option:(", option="({letter}) {text}")},
        "lmms-eval": {
            "": Prompt(
                text=_ASK + "Answer with the option's letter from the given choices directly.",
                option="({letter}) {text}",
            )
        },
    },
    remarks=(
        "clips are those of the revision video of the hub's repository",
        "clips of episodic_reasoning are folders of pictures, which are not read: its questions fail",
    ),
)
