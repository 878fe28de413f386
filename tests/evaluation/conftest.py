"""The scripted chat server of the judge's tests is also that of evaluation's."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "judge"))
