"""MathVista, MathVerse, MathVision, MMMU-Pro and EMMA: mathematics and science in pictures."""

from dataclasses import replace

from wherewise.evaluation.metrics_aggregates import Average
from wherewise.evaluation.specs.spec import BenchmarkSpec, Columns, Layout, Prompt

_EQUAL = "free answers must be equal to the gold answer, where the authors ask a judge"
_LETTER = "Answer with the option letter from the given choices directly."

MATHVISTA = BenchmarkSpec(
    name="mathvista",
    title="MathVista (testmini)",
    layout=Layout.FILES,
    split="testmini",
    kind="mixed",
    headline=Average.MICRO,
    license="CC-BY-SA-4.0",
    source="github.com/hunarbatra/SpatialThinker, evaluation/evals.py: the column query as it is; mean over questions",
    hub_id="AI4Math/MathVista",
    subsets={"testmini": 1000},
    columns=Columns(
        id="pid",
        question="question",
        answer="answer",
        answer_text=True,
        options="choices",
        task="question_type",
        prompt="query",
        images=("decoded_image",),
    ),
    remarks=(_EQUAL,),
)
MATHVERSE = BenchmarkSpec(
    name="mathverse",
    title="MathVerse (testmini)",
    layout=Layout.FILES,
    split="testmini",
    kind="mixed",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="github.com/hunarbatra/SpatialThinker, evaluation/evals.py: column query_cot as it is; mean over questions",
    hub_id="AI4Math/MathVerse",
    subsets={"testmini": 3940},
    files=("testmini.parquet", "testmini/{split}-*.parquet", "{split}-*.parquet", "{split}.jsonl"),
    columns=Columns(
        id="sample_index",
        question="query_cot",
        answer="answer",
        options_in_question=True,
        task="problem_version",
        prompt="query_cot",
        images=("image",),
        lenient=True,
    ),
    remarks=(_EQUAL,),
)
MATHVISION = BenchmarkSpec(
    name="mathvision",
    title="MathVision (test)",
    layout=Layout.FILES,
    split="test",
    kind="mixed",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="lmms-eval, tasks/mathvision: columns and wording; mean over questions",
    hub_id="MathLLMs/MathVision",
    subsets={"test": 3040},
    columns=Columns(
        id="id",
        question="question",
        answer="answer",
        options="options",
        task="subject",
        images=("decoded_image",),
    ),
    prompts={
        "official": {
            "choice": Prompt(
                text='Please solve the problem step by step and put your answer in one "\\boxed{}".{question}\n'
                "Choices: {options}",
                clean=("<image1>",),
            ),
            "": Prompt(
                text='Please solve the problem step by step and put your answer in one "\\boxed{}".{question}',
                clean=("<image1>",),
            ),
        }
    },
    remarks=(_EQUAL,),
)
MMMU_PRO = BenchmarkSpec(
    name="mmmu-pro",
    title="MMMU-Pro (standard, 4 options)",
    layout=Layout.FILES,
    split="test",
    kind="choice",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="lmms-eval, tasks/mmmu_pro: columns and wording; counts from SpatialThinker, evaluation/evals.py",
    hub_id="MMMU/MMMU_Pro",
    config="standard (4 options)",
    subsets={"Easy": 528, "Medium": 801, "Hard": 401},
    columns=Columns(
        id="id",
        question="question",
        answer="answer",
        options="options",
        task="topic_difficulty",
        subset="topic_difficulty",
        images=tuple(f"image_{i}" for i in range(1, 8)),
    ),
    prompts={"official": {"": Prompt(text="{question}\n{options}\n\n" + _LETTER)}},
)
MMMU_PRO_VISION = replace(
    MMMU_PRO,
    name="mmmu-pro-vision",
    title="MMMU-Pro (vision)",
    config="vision",
    subsets={"test": 1730},
    columns=Columns(
        id="id",
        question="",
        fixed_question="Answer the question in the picture.",
        answer="answer",
        options="options",
        images=("image",),
    ),
    prompts={"official": {"": Prompt(text="{question}\n" + _LETTER)}},
    remarks=("the wording is ours: the picture holds the question and its options",),
)
EMMA = BenchmarkSpec(
    name="emma",
    title="EMMA",
    layout=Layout.FILES,
    split="test",
    kind="mixed",
    headline=Average.MICRO,
    license="see the dataset's card",
    source="github.com/EMMA-Bench/EMMA: columns; read by rule (its fast evaluation); mean over questions",
    hub_id="luckychao/EMMA",
    files=("*/{split}-*.parquet", "{split}.jsonl"),
    subsets={"test": 2788},
    columns=Columns(
        id="pid",
        question="question",
        answer="answer",
        options="options",
        task="subject",
        images=tuple(f"image_{i}" for i in range(1, 6)),
    ),
    prompts={
        "official": {
            "choice": Prompt(text="{question}\n{options}\nAnswer with the option's letter from the given choices."),
            "": Prompt(text="{question}\nAnswer the question using a single word or phrase."),
        }
    },
    remarks=(_EQUAL, "the wording is ours: the authors' is in a configuration of their code"),
)
