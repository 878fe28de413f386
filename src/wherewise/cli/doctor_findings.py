"""One thing that ``wherewise doctor`` looked at, and how it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How good or bad a finding is."""

    OK = "ok"
    """As it should be."""
    WARN = "warn"
    """Some commands won't work, or slowly."""
    FAIL = "fail"
    """Something that every command needs, or that was asked about, is broken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    """What was looked at."""
    status: Status
    """How it is."""
    detail: str
    """What was found."""
    fix: str = ""
    """The command or the step that mends it; empty where nothing needs mending."""
