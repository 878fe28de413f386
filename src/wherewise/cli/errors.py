"""What an exception means to the person at the terminal, and the exit code it ends with.

| code | meaning |
|---|---|
| 0 | done |
| 1 | anything else: a bug (with its traceback), an optional package that is missing, a run that stopped itself |
| 2 | the command line, the config or the data is wrong: the message names the place and the fix |
| 3 | the job ran and nothing came out |
| 130 | stopped with Ctrl-C |
| 143 | ended by SIGTERM after a checkpoint |

``WHEREWISE_TRACEBACK=1`` shows the traceback of every one of them.
"""

from __future__ import annotations

import os
import sys
import traceback
from enum import IntEnum

from wherewise.samples.errors import InputError, NothingProduced, RunStopped, Terminated

EXTRAS = {
    "torch": "train",
    "torchvision": "train",
    "transformers": "train",
    "peft": "train",
    "accelerate": "train",
    "bitsandbytes": "quant",
    "av": "video",
    "openai": "judge",
    "onnxruntime": "photos",
    "cv2": "photos",
    "gradio": "chat",
    "huggingface_hub": "hub",
}
"""For each optional package's import name the extra that installs it."""


class ExitCode(IntEnum):
    """How the command ended."""

    DONE = 0
    """The job is done."""
    OTHER = 1
    """A bug, a missing optional package, or a run that stopped itself."""
    INPUT = 2
    """The command line, the config or the data is wrong."""
    NOTHING = 3
    """The job ran and nothing came out."""
    INTERRUPTED = 130
    """Ctrl-C; 128 + SIGINT, as shells do."""
    TERMINATED = 143
    """SIGTERM, after a checkpoint; 128 + SIGTERM, as shells do."""


def report(error: BaseException, *, resumable: bool = False) -> ExitCode:
    """Say on stderr what went wrong and return the exit code.

    Args:
        error: what ended the command.
        resumable: the verb has ``--resume``, so an interrupted run can go on.
    """
    is_bug = False
    match error:
        case InputError():
            code, message = ExitCode.INPUT, str(error)
        case NothingProduced():
            code, message = ExitCode.NOTHING, f"nothing came out: {error}"
        case Terminated():
            code, message = ExitCode.TERMINATED, str(error)
        case RunStopped():
            code, message = ExitCode.OTHER, f"stopped: {error}"
        case KeyboardInterrupt():
            code, message = ExitCode.INTERRUPTED, "interrupted"
            if resumable:
                message += "; the same command with '--resume auto' goes on from the last checkpoint"
        case ModuleNotFoundError(name=str(name)) if name.partition(".")[0] in EXTRAS:
            package = name.partition(".")[0]
            code = ExitCode.OTHER
            message = f"this needs {package}; install it with: pip install 'wherewise[{EXTRAS[package]}]'"
        case _:
            code, message, is_bug = ExitCode.OTHER, "", True
    if is_bug or os.environ.get("WHEREWISE_TRACEBACK") == "1":
        traceback.print_exception(error, file=sys.stderr)
    if not is_bug:
        print(f"wherewise: {message}", file=sys.stderr)
    return code
