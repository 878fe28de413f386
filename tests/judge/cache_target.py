"""Judges many items with a cache, one after the other: killed and started again by a test.

python cache_target.py URL CACHE COUNT
"""

from __future__ import annotations

import sys
from pathlib import Path

from wherewise.judge import CORRECTNESS, CorrectnessItem, Judge, JudgeConfig

if __name__ == "__main__":
    url, cache, count = sys.argv[1:]
    config = JudgeConfig(base_url=url, model="fake", cache=Path(cache), concurrency=2)
    items = [CorrectnessItem(question=f"Number {n}?", reference="yes", answer="yes") for n in range(int(count))]
    with Judge(config) as judge:
        verdicts = judge.run(CORRECTNESS, items)
        print(sum(verdict.value or 0 for verdict in verdicts), judge.counts().cached)
