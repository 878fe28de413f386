"""The tools and toys of other rooms that these tests use."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
for folder in ("tools", "tests/judge", "tests/training"):
    sys.path.append(str(ROOT / folder))
