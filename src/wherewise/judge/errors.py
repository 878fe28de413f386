"""How a judge ends a run."""

from __future__ import annotations

from wherewise.samples.errors import RunStopped


class JudgeStopped(RunStopped):
    """Too many items could not be judged; the message names the counts, the endpoint and the fix."""
