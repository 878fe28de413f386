"""Accuracy with intervals as inline SVG. Colours come from the page's CSS variables, so they follow light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar with its interval, all shares in 0..1."""

    name: str
    value: float
    low: float
    high: float


def interval_bars(title: str, bars: Sequence[Bar], marks: Sequence[tuple[str, float]], *, width: int = 560) -> str:
    """Horizontal bars with interval whiskers on 0..1, and dashed vertical marks (chance, most frequent)."""
    if not bars:
        return ""
    left, right, top, row = 120, 150, 40, 30
    height = top + row * len(bars) + 24

    def px(share: float) -> float:
        return left + share * (width - left - right)

    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" class="chart wide">',
        f'<text x="{left}" y="14" class="title">{escape(title)}</text>',
    ]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<line x1="{px(tick)}" x2="{px(tick)}" y1="{top - 6}" y2="{height - 20}" class="grid"/>')
        parts.append(f'<text x="{px(tick)}" y="{height - 6}" class="tick mid">{tick:.0%}</text>')
    for index, bar in enumerate(bars):
        y = top + row * index
        middle = y + row / 2 - 3
        parts.append(f'<text x="{left - 8}" y="{middle + 4}" class="tick end">{escape(bar.name)}</text>')
        parts.append(
            f'<rect x="{left}" y="{y}" width="{max(0.0, px(bar.value) - left):.1f}" height="{row - 8}" rx="3" '
            f'fill="var(--c{index % 6})" opacity=".8"/>'
        )
        parts.append(
            f'<line x1="{px(bar.low):.1f}" x2="{px(bar.high):.1f}" y1="{middle}" y2="{middle}" class="whisker"/>'
        )
        label = f"{bar.value:.1%} [{bar.low:.1%}, {bar.high:.1%}]"
        parts.append(f'<text x="{width - right + 8}" y="{middle + 4}" class="tick">{label}</text>')
    ordered = sorted(marks, key=lambda mark: mark[1])
    for index, (name, share) in enumerate(ordered):
        last = index == len(ordered) - 1  # the highest mark is named to its right, the others to their left
        anchor, shift = ("start", 3) if last else ("end", -3)
        parts.append(
            f'<line x1="{px(share):.1f}" x2="{px(share):.1f}" y1="{top - 8}" y2="{height - 20}" class="mark"/>'
        )
        parts.append(
            f'<text x="{px(share) + shift:.1f}" y="{top - 10}" class="tick" '
            f'text-anchor="{anchor}">{escape(name)} {share:.0%}</text>'
        )
    parts.append("</svg>")
    return "".join(parts)
