"""Prompts, targets and format checks of every style; targets parse back to their answer."""

from __future__ import annotations

import dataclasses
import math

import pytest
from answers_samples import EVIDENCE, GRAPH, GRID, GRIDS, TIMELINE, any_sample, make_sample, timelines
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from wherewise.answers import (
    CODECS,
    PromptConfig,
    PromptStyle,
    format_ok,
    format_problems,
    is_correct,
    parse,
    render_prompt,
    render_target,
)
from wherewise.answers.styles import evidence_text, frame_of
from wherewise.samples import Box, Choice, GridMap, Number, Order, Point, Sample, Timeline

STYLES = st.builds(
    PromptConfig,
    style=st.sampled_from(PromptStyle),
    options=st.sampled_from(["letters", "words", "none"]),
    coordinates=st.sampled_from(sorted(CODECS)),
    think=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(sample=any_sample(), prompt=STYLES, seen=st.sampled_from([None, (224, 448)]))
def test_target_keeps_the_format_and_parses_back(
    sample: Sample, prompt: PromptConfig, seen: tuple[int, int] | None
) -> None:
    sample = dataclasses.replace(sample, evidence=EVIDENCE.get(prompt.style.value))
    target = render_target(sample, prompt, seen)
    assert format_problems(target, prompt) == ()
    answer = sample.answer
    unit = answer.unit if isinstance(answer, Number) else None
    parsed = parse(answer.kind, target, options=sample.options, unit=unit, style=prompt.style)
    assert not parsed.truncated
    if isinstance(answer, Choice):
        assert parsed.value == answer.letter
    elif isinstance(answer, Number):
        assert parsed.value == pytest.approx(answer.value, rel=1e-12)
    elif isinstance(answer, Order):
        assert parsed.value == answer.items
    elif isinstance(answer, GridMap):
        assert parsed.value == answer.cells
    elif isinstance(answer, (Box, Point)):
        frame = frame_of(sample, seen)
        # a tenth of the picture is coarser than a small box, so that only the finer codecs can be judged by overlap
        if not (isinstance(answer, Box) and prompt.coordinates == "tenths"):
            assert is_correct(parsed, answer, codec=prompt.codec, frame=frame)
    else:
        assert parsed.value == answer.value


@settings(max_examples=100, deadline=None)
@given(grid=GRIDS, timeline=timelines(), think=st.booleans())
def test_evidence_parses_back(grid: GridMap, timeline: Timeline, think: bool) -> None:
    for style, evidence in ((PromptStyle.GRID_MAP, grid), (PromptStyle.TIMELINE, timeline)):
        prompt = PromptConfig(style=style, think=think)
        target = render_target(make_sample(evidence=evidence), prompt)
        assert format_problems(target, prompt) == ()
        parsed = parse(style.value, target, style=style)
        if isinstance(evidence, GridMap):
            assert parsed.value == evidence.cells
        else:
            assert [event.label for event in parsed.value] == [event.label for event in evidence.events]
            for read, event in zip(parsed.value, evidence.events, strict=True):
                assert (read.start, read.end) == pytest.approx((event.start, event.end), abs=1e-9)
        assert parse("choice", target, options=("left", "right")).value == "A"


def test_prompts() -> None:
    sample = make_sample()
    assert render_prompt(sample, PromptConfig()) == (
        "Is the red chair left or right of the blue table?\nA. left\nB. right\nAnswer with the option's letter only."
    )
    words = render_prompt(sample, PromptConfig(options="words", instruction=False))
    assert words == "Is the red chair left or right of the blue table? left or right?"
    assert render_prompt(sample, PromptConfig(options="none", instruction=False)) == sample.question
    assert render_prompt(sample, PromptConfig(options="none", instruction="Be brief.")).endswith("\nBe brief.")
    scene = render_prompt(sample, PromptConfig(style=PromptStyle.SCENE_GRAPH, think=True))
    assert "<scene></scene>" in scene
    assert "<think></think>" in scene


def test_evidence_targets() -> None:
    grid = PromptConfig(style=PromptStyle.GRID_MAP)
    assert render_target(make_sample(evidence=GRID), grid) == (
        '<map>{"red chair": [[1, 2], [3, 4]], "blue table": [[9, 0]]}</map><answer>A</answer>'
    )
    assert "<map></map>" in render_prompt(make_sample(evidence=GRID), grid)
    assert "10 x 10 grid, 0 to 9" in render_prompt(make_sample(evidence=GRID), grid)
    timeline = PromptConfig(style=PromptStyle.TIMELINE, think=True)
    assert render_target(make_sample(evidence=TIMELINE), timeline) == (
        "<timeline>00:03.2-00:05 the red chair comes into view; 01:05 a door opens</timeline>"
        "<think>The chair is further left than the table.</think><answer>A</answer>"
    )
    assert "<timeline></timeline>" in render_prompt(make_sample(evidence=TIMELINE), timeline)
    with pytest.raises(ValueError, match=r"'s1'.*evidence.*needs a GridMap, got SceneGraph"):
        render_target(make_sample(), grid)
    with pytest.raises(ValueError, match=r"'s1'.*evidence.*needs a Timeline, got GridMap"):
        render_target(make_sample(evidence=GRID), timeline)
    with pytest.raises(ValueError, match=r"evidence.size.*10 cells along a side, the prompt says 8"):
        render_target(make_sample(evidence=GRID), PromptConfig(style=PromptStyle.GRID_MAP, grid=8))
    with pytest.raises(ValueError, match="style 'direct' writes no evidence"):
        evidence_text(make_sample(), PromptConfig())


def test_scene_graph_target() -> None:
    prompt = PromptConfig(style=PromptStyle.SCENE_GRAPH, options="words")
    assert render_target(make_sample(), prompt) == (
        "<scene>red chair (3,5,4); blue table (7,6,6)</scene><answer>left</answer>"
    )
    empty = make_sample(evidence=type(GRAPH)(width=320, height=320, objects=GRAPH.objects))
    assert render_target(empty, prompt) == "<scene>none</scene><answer>left</answer>"


def test_what_the_style_needs_is_named() -> None:
    with pytest.raises(ValueError, match=r"'s1'.*rationale.*needs a rationale"):
        render_target(make_sample(rationale=None), PromptConfig(style=PromptStyle.THINK))
    with pytest.raises(ValueError, match=r"'s1'.*evidence.*needs a SceneGraph"):
        render_target(make_sample(evidence=None), PromptConfig(style=PromptStyle.SCENE_GRAPH))
    broken = make_sample(evidence=type(GRAPH)(width=320, height=320, objects=(), focus=("ghost",)))
    with pytest.raises(ValueError, match=r"'s1'.*focus.*ghost"):
        render_target(broken, PromptConfig(style=PromptStyle.SCENE_GRAPH))
    with pytest.raises(ValidationError, match="unknown coordinate codec 'cells'"):
        PromptConfig(coordinates="cells")


def test_grid_map_target_is_json() -> None:
    answer = GridMap(size=10, cells=(("chair", ((1, 2),)),))
    assert render_target(make_sample(answer), PromptConfig()) == '{"chair": [[1, 2]]}'


@pytest.mark.parametrize(
    ("style", "text", "good"),
    [
        ("direct", "A", True),
        ("direct", "", False),
        ("direct", "A\nbecause", False),
        ("direct", "<answer>A</answer>", False),
        ("think", "<think>x</think><answer>A</answer>", True),
        ("think", " <think>x</think>\n<answer>A</answer>\n", True),
        ("think", "<answer>A</answer><think>x</think>", False),
        ("think", "<think>x</think><answer>A</answer> so", False),
        ("think", "<think>x</think> so <answer>A</answer>", False),
        ("think", "<think></think><answer>A</answer>", False),
        ("think", "<think>x</think><answer>A", False),
        ("think", "<think>x</think><answer>A</answer><answer>B</answer>", False),
        ("think", "<scene>none</scene><think>x</think><answer>A</answer>", False),
        ("scene_graph", "<scene>none</scene><answer>A</answer>", True),
        ("scene_graph", "<scene>red chair (1,2,3)</scene><answer>A</answer>", True),
        ("scene_graph", "<scene>red chair (1,2</scene><answer>A</answer>", False),
        ("scene_graph", "<scene>red chair</scene><answer>A</answer>", False),
        ("grid_map", '<map>{"chair": [[1, 2]]}</map><answer>A</answer>', True),
        ("grid_map", "<map>{}</map><answer>A</answer>", True),
        ("grid_map", "<answer>A</answer>", False),
        ("grid_map", '<map>{"chair": [[1, 12]]}</map><answer>A</answer>', False),
        ("grid_map", '<map>{"chair": [[1.5, 2]]}</map><answer>A</answer>', False),
        ("grid_map", '<map>{"chair": [[1, 2, 3]]}</map><answer>A</answer>', False),
        ("grid_map", "<map>chair: [1, 2]</map><answer>A</answer>", False),
        ("grid_map", "<map>{} {}</map><answer>A</answer>", False),
        ("grid_map", '<answer>A</answer><map>{"chair": [[1, 2]]}</map>', False),
        ("timeline", "<timeline>00:03-00:05 a; 00:07 b</timeline><answer>A</answer>", True),
        ("timeline", "<timeline>none</timeline><answer>A</answer>", True),
        ("timeline", "<timeline>00:07 b; 00:03-00:05 a</timeline><answer>A</answer>", False),
        ("timeline", "<timeline>00:07 b; and so on</timeline><answer>A</answer>", False),
        ("timeline", "<timeline>00:05-00:03 a</timeline><answer>A</answer>", False),
        ("timeline", "<timeline></timeline><answer>A</answer>", False),
        ("timeline", "<scene>none</scene><answer>A</answer>", False),
    ],
)
def test_format(style: str, text: str, good: bool) -> None:
    assert format_ok(text, PromptConfig(style=PromptStyle(style))) is good


@settings(max_examples=100, deadline=None)
@given(text=st.text(), prompt=STYLES)
def test_format_never_raises(text: str, prompt: PromptConfig) -> None:
    assert format_ok(text, prompt) is (format_problems(text, prompt) == ())


def test_numbers_read_back_exactly() -> None:
    for value in (0.1, 1e-9, 123456789.125, -2.5, 3.0, 1e20, math.pi):
        target = render_target(make_sample(Number(value=value)), PromptConfig())
        assert parse("number", target).value == value
