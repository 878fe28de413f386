"""Rows with the keys and layouts of the published files."""

from __future__ import annotations

import io
from typing import Any

import PIL.Image


def png(value: int = 90) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (40, 30), (value, 20, 200)).save(buffer, "PNG")
    return buffer.getvalue()


SCENE = (
    '<scene>{"objects": [{"id": "man.1", "bbox": [1, 2, 20, 28]}, {"id": "bike.1", "bbox": [10, 5, 39, 29.5]}], '
    '"relationships": [{"subject": "man.1", "predicate": "behind", "object": "bike.1"}]}</scene>\n'
)
ROWS: dict[str, list[dict[str, Any]]] = {
    "spatial-r1": [
        {  # the first file of Spatial-R1
            "problem_id": 1,
            "problem": "Question:\nMeasuring from the closest point of each object, what is the direct distance "
            "between the door and the jacket (in meters)?",
            "data_type": "video",
            "question_type": "object_abs_distance",
            "solution": "0.3507",
            "video": "/mnt/scans/scene0024_02.mp4",
        },
        {
            "problem_id": 2,
            "problem": "Question:\nWhich of these is the closest to the tv?\nOptions:\n"
            "A. backpack\nB. sofa\nC. door\nD. lamp",
            "data_type": "video",
            "question_type": "object_rel_distance",
            "solution": "C",
            "video": "/mnt/scans/scene0024_02.mp4",
        },
        {  # the published sample of SR-91k
            "problem_id": 3,
            "problem": "Question:\nHow many monitor(s) are in this room?",
            "data_type": "video",
            "problem_type": ["object_counting"],
            "solution": "<answer>7</answer>",
            "video_filename": "scannet/scene0653_00.mp4",
        },
        {  # SpaceR-151k
            "problem_id": 4,
            "problem": "If I stand by the desk and face the door, is the lamp to my left or right?",
            "data_type": "video",
            "problem_type": "multiple choice",
            "options": ["A. left", "B. right"],
            "solution": "<answer>B</answer>",
            "path": "./SR/scene0001_00.mp4",
            "data_source": "SR_dataset",
        },
        {
            "problem_id": 5,
            "problem": "What is written on the sign?",
            "data_type": "image",
            "problem_type": "OCR",
            "options": [],
            "solution": "<answer>EXIT 12</answer>",
            "path": "ocr/12.jpg",
            "data_source": "general",
        },
    ],
    "vsi-bench": [
        {
            "id": 0,
            "dataset": "arkitscenes",
            "scene_name": "41069025",
            "question_type": "object_counting",
            "question": "How many table(s) are in this room?",
            "ground_truth": "4",
            "options": None,
        },
        {
            "id": 9,
            "dataset": "scannet",
            "scene_name": "scene0011_00",
            "question_type": "object_rel_direction_easy",
            "question": "If I am standing by the stove and facing the tv, is the sofa to the left or the right?",
            "ground_truth": "B",
            "options": ["A. right", "B. left"],
        },
    ],
    "video-r2": [
        {
            "id": "sft-1",
            "video": "LLaVA-Video-178K/a/b.mp4",
            "conversations": [
                {"from": "human", "value": "<video>\nWhat does he do?\nA. He sits.\nB. He actively wipes the table."},
                {
                    "from": "assistant",
                    "value": "<think>At 00:20 he begins.</think>\n<answer>\nB. He actively wipes the table.\n</answer>",
                },
            ],
        },
        {
            "id": "grpo-1",
            "video": "STAR/c.mp4",
            "conversations": [
                {"from": "human", "value": "<video>\nWhat is opened?"},
                {"from": "gpt", "value": "<think>Then at 01:06.</think>\n<answer>The door</answer>"},
            ],
            "temporal_grounding": {"00:20-00:48": "He actively wipes the table.", "01:06": "He opens the door."},
            "key_frame": 12,
        },
    ],
    "stvqa": [
        {
            "image_id": "2345",
            "images": [{"bytes": png(), "path": "2345.jpg"}],
            "problem": "LONG PUBLISHED INSTRUCTION\nImage size: (40 x 30)\nQ. Where is the man?\nOptions:\n"
            "(A) behind\n(B) on",
            "question_only": "Where is the man relative to the bike?",
            "question_with_options": "Where is the man relative to the bike?\nOptions:\n(A) behind\n(B) on",
            "options": ["(A) behind", "(B) on"],
            "answer": f"{SCENE}<answer>(A)</answer>",
            "answer_only": "A",
            "answer_text": f"{SCENE}<answer>behind</answer>",
            "answer_text_only": "behind",
            "answer_option_text": f"{SCENE}<answer>(A) behind</answer>",
            "answer_option_text_only": "(A) behind",
            "category": "relation",
            "level": "easy",
            "rating": 8,
        }
    ],
    "reinforcesight": [
        {
            "question": "What is the spatial relationship between the chair and the table?",
            "answer": "left",
            "cot": "Looking at the image, the chair is further to the left side compared to the table.",
            "task": "2d_spatial",
            "objects": ["chair", "table"],
            "image_path": "images/localized_narrative_7.jpg",
            "image_id": "localized_narrative_7",
            "source_dataset": "localized_narratives",
            "caption": "A room.",
            "narrative": "In this image I can see a chair.",
        }
    ],
    "dora": [
        {
            "transcript": "We need to go to the bridge. Look!",
            "question": "Do you see the bridge?",
            "answer": "There it is!",
            "frames": [{"image": [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]], "timestamp": 88.5}],
            "video_path": "S1/S01E02.mp4",
            "season": 1,
            "episode": "S01E02",
            "entry_id": "q12",
            "_preprocessed": True,
        },
        {
            "transcript": "",
            "question": "Which way should we go?",
            "answer": "Over the bridge",
            "original_answer": "Over the bridge!",
            "choices": ["Home", "Over the bridge", "Into the river", "Up the hill"],
            "correct_index": 1,
            "correct_choice": "B",
            "num_choices": 4,
            "generation_method": "llm",
            "season": 2,
            "episode": "S02E05",
            "entry_id": "q3",
            "reasoning_category": "navigation",
            "compositional_complexity": "simple",
            "temporal_span": "immediate",
            "requires_visual": True,
            "requires_transcript": False,
            "modality": "multimodal",
            "question_word_count": 5,
            "answer_word_count": 3,
        },
    ],
    "sharegpt": [
        {
            "messages": [
                {"role": "system", "content": "You look closely."},
                {"role": "user", "content": "<image>Where is the dog?\nA. left\nB. right"},
                {"role": "assistant", "content": "<think>It stands there.</think><answer>A</answer>"},
            ],
            "images": ["a/dog.jpg"],
        },
        {
            "conversations": [
                {"from": "human", "value": "<video>How many turns?"},
                {"from": "gpt", "value": "3"},
            ],
            "videos": ["walk.mp4"],
        },
    ],
    "swift": [
        {
            "messages": [{"role": "user", "content": "<image><image>Is it the same room?"}],
            "images": ["/data/1.jpg", "/data/2.jpg"],
            "solution": "Yes",
        }
    ],
    "easyr1": [
        {"problem": "<image>How far is it, in meters?", "answer": "2.75", "images": [{"bytes": png(), "path": None}]},
        {"problem": "<video>Which way?\nA. left\nB. right", "answer": "B", "videos": ["x/y.mp4"]},
    ],
    "trl": [
        {
            "prompt": [{"role": "user", "content": "Where is it?\nA. left\nB. right"}],
            "images": [{"bytes": png(), "path": None}],
            "solution": "A",
            "difficulty": 3,
        }
    ],
    "verl": [
        {  # the layout of verl's geometry3k
            "data_source": "hiyouga/geometry3k",
            "prompt": [{"role": "user", "content": "<image>Find x."}],
            "images": [{"bytes": png(7), "path": None}],
            "ability": "math",
            "reward_model": {"style": "rule", "ground_truth": "3"},
            "extra_info": {"split": "train", "index": 4, "answer": "3", "question": "<image>Find x."},
        },
        {
            "data_source": "clips",
            "prompt": [
                {"role": "system", "content": "You look closely."},
                {"role": "user", "content": "<image>Which side?\nA. left\nB. right"},
            ],
            "images": [{"bytes": png(9), "path": None}],
            "ability": "space",
            "reward_model": {"style": "rule", "ground_truth": "B"},
            "extra_info": {"split": "train", "index": 5, "answer": "B", "question": "Which side?"},
        },
    ],
    "dora-labels": [
        {
            "id": "q12",
            "question_text": "Do you see the bridge?",
            "question_start_ts": "00:01:26,586",
            "question_end_ts_id": "00:01:28,100",
            "pause_start": "00:01:28,100",
            "pause_end": "00:01:31,000",
            "has_answer": True,
            "answer_text": "♪ There it is! ♪",
            "answer_start_ts_id": "00:01:31,000",
            "answer_end_ts_id": "00:01:32,400",
        },
        {
            "question_text": "Where?",
            "question_start_ts": "00:02:00.5",
            "question_end_ts_id": "00:02:01,000",
            "pause_start": "00:02:01,000",
            "pause_end": "00:02:04,000",
            "has_answer": False,
            "answer_text": "",
            "answer_start_ts_id": "23:59:59,999",
            "answer_end_ts_id": "",
            "episode": "S01E02",
            "transcript": "We need to find the map.",
        },
    ],
    "spacer-maps": [
        {
            "video_id": "scannet/scene0653_00",
            "cognitive_map": {"monitor": [[1, 2], [3, 2]], "door": [[9, 0]]},
            "object_list": ["monitor", "door"],
        }
    ],
}
