"""Providers of replies. `hf` is imported only when a model is evaluated: it alone needs torch."""

from wherewise.evaluation.providers.base import Provider, Reply, Request
from wherewise.evaluation.providers.baselines import FrequentProvider, RandomProvider
from wherewise.evaluation.providers.replay import ReplayProvider

__all__ = ["FrequentProvider", "Provider", "RandomProvider", "ReplayProvider", "Reply", "Request"]
