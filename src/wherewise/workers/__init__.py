"""Many items, several processes, one order: a pool on this machine or a Ray cluster, going on after any death."""

from wherewise.workers.engine import Engine, EngineError, in_order

__all__ = ["Engine", "EngineError", "in_order"]
