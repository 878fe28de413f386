"""Small charts as inline SVG. Colours come from the page's CSS variables, so they follow light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One line of a chart: points ``(x, y)`` in data units; points with a y that is not finite are left out."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar with its interval, all shares in 0..1."""

    name: str
    value: float
    low: float
    high: float


def _ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers that span ``low .. high``."""
    span = high - low or abs(high) or 1.0
    step = 10 ** math.floor(math.log10(span / count))
    step *= next((m for m in (1, 2, 5, 10) if span / (step * m) <= count), 10)
    first = math.ceil(low / step - 1e-9) * step
    ticks = []
    while first <= high + step * 1e-6:
        ticks.append(round(first, 12))
        first += step
    return ticks


def _smooth(points: Sequence[tuple[float, float]], window: int) -> list[tuple[float, float]]:
    """Trailing mean over `window` points."""
    return [
        (x, sum(y for _, y in points[max(0, i - window + 1) : i + 1]) / min(i + 1, window))
        for i, (x, _) in enumerate(points)
    ]


def line_chart(title: str, series: Sequence[Series], *, width: int = 360, height: int = 190) -> str:
    """Lines over steps: each series faint as measured and strong as its trailing mean. Empty string without points."""
    kept = [(s.name, [(x, y) for x, y in s.points if math.isfinite(y)]) for s in series]
    kept = [(name, points) for name, points in kept if points]
    if not kept:
        return ""
    xs = [x for _, points in kept for x, _ in points]
    ys = [y for _, points in kept for _, y in points]
    x0, x1, y0, y1 = min(xs), max(xs), min(ys), max(ys)
    if y1 - y0 < 1e-9:
        y0, y1 = (y0, y0 + 1) if y0 >= 0 else (y0 - 0.5, y0 + 0.5)
    left, right, top, bottom = 46, 10, 26, 24

    def px(x: float) -> float:
        return left + (x - x0) / ((x1 - x0) or 1) * (width - left - right)

    def py(y: float) -> float:
        return height - bottom - (y - y0) / (y1 - y0) * (height - top - bottom)

    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" class="chart">',
        f'<text x="{left}" y="14" class="title">{escape(title)}</text>',
    ]
    for tick in _ticks(y0, y1):
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{py(tick):.1f}" y2="{py(tick):.1f}" class="grid"/>')
        parts.append(f'<text x="{left - 5}" y="{py(tick) + 3.5:.1f}" class="tick end">{tick:g}</text>')
    for tick in _ticks(x0, x1, 5):
        parts.append(f'<text x="{px(tick):.1f}" y="{height - 8}" class="tick mid">{tick:g}</text>')
    for index, (name, points) in enumerate(kept):
        colour = f"var(--c{index % 6})"
        smooth = _smooth(points, max(1, len(points) // 20))
        for shape, opacity in ((points, 0.25), (smooth, 1.0)):
            path = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in shape)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" opacity="{opacity}"/>')
        if len(kept) > 1:
            x = width - right - 4
            parts.append(
                f'<text x="{x}" y="{14 + 13 * index}" class="tick end" style="fill:{colour}">{escape(name)}</text>'
            )
    parts.append("</svg>")
    return "".join(parts)


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
