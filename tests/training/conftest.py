from __future__ import annotations

from pathlib import Path

import pytest
from training_toy import save_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen3-VL with random weights, as a Hugging Face folder."""
    return save_tiny(tmp_path_factory.mktemp("tiny") / "model")
