"""Launch scripts: settings one a line, so that a reader can find and change each."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def shell_script(module: str, settings: Sequence[str], remark: str) -> str:
    """A bash script that runs a Python module with ``key=value`` settings; more may follow on its command line."""
    lines = "\n".join(f"  {quoted(setting)}" for setting in settings)
    return f"""#!/usr/bin/env bash
{remark}
# Settings given to this script win over those below: ./run.sh trainer.total_epochs=1
set -euo pipefail
HERE=$(cd "$(dirname "${{BASH_SOURCE[0]}}")" && pwd)
settings=(
{lines}
)
exec python3 -m {module} "${{settings[@]}}" "$@"
"""


def quoted(setting: str) -> str:
    """A setting as bash reads it back; ``$HERE`` in double quotes stays a variable.

    >>> quoted("a.b=[1,2]"), quoted('a="$HERE/x.parquet"')
    ("'a.b=[1,2]'", 'a="$HERE/x.parquet"')
    """
    if '"$HERE' in setting:
        return setting
    return shlex.quote(setting)
