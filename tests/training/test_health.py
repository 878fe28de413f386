from __future__ import annotations

from wherewise.training.health import Health


def record(step: int, **changes: float | None) -> dict[str, float | None]:
    base: dict[str, float | None] = {
        "step": step,
        "seconds": 1.3,
        "loss": 0.1,
        "reward/total": 0.71,
        "accuracy": 0.6,
        "length": 31,
        "truncated": 0.02,
        "entropy": 0.4,
        "kl": 0.01,
        "no_signal": 0.62,
        "unjudged": 0.0,
        "bad": False,
    }
    return base | changes


def test_grpo_line_in_words() -> None:
    health = Health(total=200, every=2)
    assert health.observe(record(1, **{"reward/total": 0.67})) is None
    first = health.observe(record(2))
    assert first is not None
    health.observe(record(3, **{"reward/total": 0.72}))
    line = health.observe(record(4, **{"reward/total": 0.72}))
    assert line == (
        "step 4/200 · reward 0.72 (+0.03) · 60 % right · 62 % of groups have equal rewards: no gradient from them; "
        "raise the temperature or the difficulty · length 31 tokens · 2 % truncated · entropy 0.4 · KL 0.01 · "
        "1.3 s/step · 4 min left"
    )


def test_warnings_and_absent_metrics() -> None:
    health = Health(total=1, every=10)
    line = health.observe(
        record(1, kl=None, accuracy=0.01, truncated=0.5, entropy=0.001, unjudged=0.25, bad=True, no_signal=1.0)
    )
    assert line is not None
    for words in (
        "easier questions",
        "raise max_new_tokens",
        "hardly vary",
        "25 % of replies could not",
        "1 steps skipped",
    ):
        assert words in line
    assert "KL" not in line
    assert "left" not in line


def test_sft_line() -> None:
    line = Health(total=4, every=1).observe({"step": 1, "loss": 2.0, "seconds": 0.5, "length": 4.0, "bad": False})
    assert line == "step 1/4 · loss 2.000 · length 4 tokens · 0.5 s/step · 2 s left"
