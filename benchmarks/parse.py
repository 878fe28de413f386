"""Time of the answer parser on ordinary replies and on long adversarial ones, as JSON.

    python benchmarks/parse.py [--quick] [--kind number]

``replies_us`` is microseconds of CPU a reply. ``adversarial`` repeats each pattern to 10 kB, 100 kB and 1 MB for each
kind: ``ms`` are the milliseconds of each size, ``ratio`` is the time of 1 MB over that of 10 kB: 100 is linear, 10,000
quadratic. Both are the worst over the patterns; ``worst`` is the slowest pattern at 1 MB, ``steepest`` the one of the
worst ratio.
"""

from __future__ import annotations

import argparse
import json
import platform
import time

from wherewise.answers import KINDS, parse

OPTIONS = ["the red chair", "the blue table", "a sofa", "A is closer"]
SIZES = (10_000, 100_000, 1_000_000)
REPLIES: dict[str, tuple[str, ...]] = {
    "choice": (
        "B",
        "<think>The chair is left of the table, so A and C fall away.</think><answer>B</answer>",
        "Looking at the picture, the sofa stands further back. The blue table is nearer to the camera than it.\n\n"
        "Therefore, the correct answer is:\n(B) the blue table",
    ),
    "number": ("3", "I count 2 chairs and 2 stools, a total of 4.", "The room is about 3.5 m (11.5 feet) long."),
    "boolean": ("yes", "<think>hm</think><answer>No</answer>", "No, the chair is behind the table."),
    "text": ("a red chair", "I looked again.\nAnswer: lamp"),
    "order": ("lamp, chair, table", "1. lamp\n2. chair\n3. table"),
    "box": ("[10, 20, 30, 40]", '```json\n[{"bbox_2d": [10, 20, 30, 40], "label": "chair"}]\n```'),
    "point": ("(3, 4)", '<point x="10.5" y="20">chair</point>'),
    "grid_map": ('{"chair": [[1, 2], [3, 4]], "lamp": [[9, 9]]}',),
    "timeline": ("00:03-00:05 red chair comes into view; 00:09 the lamp leaves",),
}
PATTERNS = (
    "(", ")", "[", "{", "<", " ", "\n", ".", ",", "-", "=", ":", ";", '"', "'", "\\", "*", "#", "9", "e", "A", "a",
    "A ", "(A) ", "A, ", "A/", "A is ", "A) chair, ", "[1,", "[[", "(1,2)", "1,1,1,", "1,111,", "1 ", "1/2 ", "1.",
    "0,", "5 ft ", "x=1,", "{\"a\": [", "\"a\":", "{}", "'a': (1, 2), ", "a: [1, 2]\n", "0:0", "00:01-",
    "00:01 a;", "1s-", "a 00:01 ",
    "twenty ", "hundred and ", "dozen ", "five to ", "and a half ", "no ", "not ", "yes or ", "both ", "either ",
    "the answer is ", "answer to ", "answer: ", "the best option that ", "option A shows ", "therefore ", "so is ",
    "the red chair ", "the red ", "the second ", "is not ", "A is not ", "there are no ", "at least ", "than ",
    "<answer>", "</answer>", "<answer>A</answer>", "<think>", "</think>", "<think></think>", "<map>", "<timeline>",
    "<|begin_of_box|>", "<|a", "\\boxed{", "\\boxed{}", "\\text{", "\\frac{1}{", "}", "\"answer\": ", "\"answer\": \"",
    "\"answer\":'", "'answer': [", "\"answer\": \"\\", "$LETTER", "...", "答案", "答案是", "一", "十百", "第", "是不是",
    "は", "没有", "Ａ", "\u0316\u0301", "½", "①", "e\u0301", "\ud800", "\x00",
)  # fmt: skip


def reply_speed(kind: str, repeats: int) -> float:
    """Microseconds of CPU a reply."""
    replies = REPLIES[kind]
    started = time.process_time()
    for _ in range(repeats):
        for text in replies:
            parse(kind, text, options=OPTIONS if kind == "choice" else (), unit="m" if kind == "number" else None)
    return (time.process_time() - started) / repeats / len(replies) * 1e6


def pattern_times(kind: str, pattern: str) -> list[float]:
    """Milliseconds of CPU at each size; the shortest of three at the smallest."""
    times = []
    for size in SIZES:
        text = pattern * (size // len(pattern))
        runs = []
        for _ in range(3 if size == SIZES[0] else 1):
            started = time.process_time()
            parse(kind, text, options=OPTIONS, unit="m")
            runs.append(time.process_time() - started)
        times.append(min(runs) * 1e3)
    return times


def adversarial(kind: str) -> dict[str, object]:
    """The worst times and the worst ratio over all patterns."""
    table = {pattern: pattern_times(kind, pattern) for pattern in PATTERNS}
    # Below half a millisecond at 10 kB the clock's own grain makes the ratio.
    ratios = {pattern: times[-1] / max(times[0], 0.5) for pattern, times in table.items()}
    slowest, steepest = max(table, key=lambda p: table[p][-1]), max(ratios, key=ratios.__getitem__)
    return {
        "ms": {str(size): round(max(times[i] for times in table.values()), 2) for i, size in enumerate(SIZES)},
        "ratio": round(ratios[steepest], 1),
        "worst": slowest,
        "steepest": steepest,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only ordinary replies, fewer of them")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only these kinds")
    options = parser.parse_args()
    kinds = options.kind or KINDS
    result: dict[str, object] = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "replies_us": {kind: round(reply_speed(kind, 50 if options.quick else 500), 1) for kind in kinds},
    }
    if not options.quick:
        result["patterns"] = len(PATTERNS)
        result["adversarial"] = {kind: adversarial(kind) for kind in kinds}
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
