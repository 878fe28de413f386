"""A mixture without its judges: what can be audited without calling a model."""

from __future__ import annotations

from collections.abc import Sequence

from wherewise.rewards.config import RewardConfig

_BY_RULES = ("extractor", "consistency")
"""Parameters that take ``judge`` or ``rules``."""


def without_judges(configs: Sequence[RewardConfig]) -> tuple[list[RewardConfig], list[str]]:
    """Rewards that ask no judge, and in words what was changed.

    A reward with a ``judge`` works by rules where it can, and is left out where it can't.

    >>> judged = RewardConfig(name="temporal", params={"consistency": "judge", "judge": {"model": "m"}})
    >>> [config.params for config in without_judges([judged])[0]]
    [{'consistency': 'rules'}]
    """
    kept: list[RewardConfig] = []
    notes: list[str] = []
    for config in configs:
        if not config.params.get("judge"):
            kept.append(config)
            continue
        by_rules = [key for key in _BY_RULES if config.params.get(key) == "judge"]
        if not by_rules:
            notes.append(f"{config.name} asks a judge: left out")
            continue
        params = {key: value for key, value in config.params.items() if key != "judge"}
        kept.append(config.model_copy(update={"params": params | dict.fromkeys(by_rules, "rules")}))
        notes.append(f"{config.name}: {' and '.join(by_rules)} by rules instead of the judge")
    names = {config.name for config in kept}
    kept = [
        config.model_copy(update={"needs": {name: least for name, least in config.needs.items() if name in names}})
        if config.needs
        else config
        for config in kept
    ]
    return kept, notes
