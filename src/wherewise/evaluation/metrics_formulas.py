"""The official formulas and their variants by name, with what they are and where they come from."""

from __future__ import annotations

from wherewise.evaluation.metrics_aggregates import (
    Aggregate,
    all_variants,
    by_tag,
    chance_adjusted,
    circular,
    cv_bench,
    cv_bench_2d,
    cv_bench_3d,
    cv_bench_qualitative,
    flip,
    flip_circular,
    hallusion_a,
    hallusion_f,
    hallusion_q,
    nextqa_types,
    pair_accuracy,
    spar_levels,
    vsi_mean_of_8,
)

BREAKDOWNS: tuple[tuple[str, str, str], ...] = (
    ("source", "data source", "data_source"),
    ("duration", "duration", ""),
    ("data_type", "pictures and clips", ""),
    ("category", "category", ""),
    ("dim", "dimension", ""),
    ("field", "field of knowledge", ""),
    ("l2_category", "detailed axis", ""),
    ("scene", "scene", ""),
    ("reasoning_category", "kind of reasoning", ""),
    ("compositional_complexity", "number of conditions", ""),
    ("temporal_span", "span of time", ""),
    ("requires_visual", "need of pictures", ""),
    ("requires_transcript", "need of the transcript", ""),
    ("modality", "modality", ""),
)
"""Name, words and tag of the breakdowns of the micro average."""

_CV = "github.com/cambrian-mllm/cambrian, CV-Bench dataset card"
_VSI = "github.com/vision-x-nyu/thinking-in-space, lmms_eval/tasks/vsibench/utils.py"
_DSR = "3DSRBench (Ma et al. 2024), VLMEvalKit image_mcq.py"
_HALLUSION = "github.com/tianyi-lab/HallusionBench, utils.py"

AGGREGATES: dict[str, Aggregate] = {
    a.name: a
    for a in (
        Aggregate(
            name="cv_bench", formula="((ADE20K + COCO) / 2 + Omni3D) / 2 by source", source=_CV, compute=cv_bench
        ),
        Aggregate(name="cv_bench_2d", formula="(ADE20K + COCO) / 2 by source", source=_CV, compute=cv_bench_2d),
        Aggregate(name="cv_bench_3d", formula="accuracy on Omni3D", source=_CV, compute=cv_bench_3d),
        Aggregate(
            name="cv_bench_qualitative",
            formula="mean over the questions of Relation, Depth and Distance",
            source="ReinforceSight's subset of 1,850",
            compute=cv_bench_qualitative,
        ),
        Aggregate(
            name="vsi_mean_of_8",
            formula="mean of 8 tasks; direction = mean of easy, medium, hard",
            source=_VSI,
            compute=vsi_mean_of_8,
        ),
        Aggregate(name="circular", formula="all rotations right; flips apart", source=_DSR, compute=circular),
        Aggregate(name="flip", formula="question and flipped twin right", source=_DSR, compute=flip),
        Aggregate(
            name="flip_circular", formula="all rotations of both twins right", source=_DSR, compute=flip_circular
        ),
        Aggregate(
            name="pair_accuracy",
            formula="both questions of a pair right",
            source="github.com/tsb0601/MMVP",
            compute=pair_accuracy,
        ),
        Aggregate(name="aAcc", formula="questions right", source=_HALLUSION, compute=hallusion_a),
        Aggregate(name="qAcc", formula="questions right for all their figures", source=_HALLUSION, compute=hallusion_q),
        Aggregate(name="fAcc", formula="figures with all questions right", source=_HALLUSION, compute=hallusion_f),
        Aggregate(
            name="nextqa_types",
            formula="mean over questions; C, T, D by type; TP as TN",
            source="github.com/doc-doc/NExT-QA, eval_mc.py",
            compute=nextqa_types,
        ),
        Aggregate(
            name="spar_levels",
            formula="mean of 20 tasks; Low 8, Middle 3, High 9",
            source="SPAR-Bench in lmms-eval, sparbench/utils.py",
            compute=spar_levels,
        ),
        Aggregate(
            name="caa",
            formula="sum(hit - 1/n) / sum(1 - 1/n)",
            source="SITE-Bench, chance-adjusted accuracy",
            compute=chance_adjusted,
        ),
        Aggregate(
            name="all_variants",
            formula="all pairs of options of a question right",
            source="VideoMathQA in lmms-eval, videomathqa/utils.py",
            compute=all_variants,
        ),
        *(
            Aggregate(
                name=f"by_{tag}", formula=f"mean over questions; by {words}", source="", compute=by_tag(column or tag)
            )
            for tag, words, column in BREAKDOWNS
        ),
    )
}
