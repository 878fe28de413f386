"""Which turns lead from A, facing B, to C? (VSI-Bench: route planning)."""

from __future__ import annotations

import itertools
import random
from collections import deque

from wherewise.questions.asking import choose, pick_kind
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import Point2, bearing, flat_distance, heading
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import floor_known, known
from wherewise.questions.space.free_space import Walks, straight_walks
from wherewise.scenes import Scene, SceneObject

TEMPLATES = (
    "You are a robot beginning at the {a} and facing the {b}. You want to navigate to the {c}. You will perform the "
    "following actions (for each [please fill in], choose either 'turn back', 'turn left', or 'turn right'): {steps} "
    "You have reached the final destination.",
    "A robot stands at the {a} and faces the {b}. It walks to the {c} with these steps, where each [please fill in] is "
    "'turn back', 'turn left' or 'turn right': {steps} Which turns does it make?",
)
STRAIGHT, SIDE, BACK = 35.0, 125.0, 155.0
"""A turn to a side is between the first two angles, one back beyond the third; others are not clear. Degrees."""
MOST = 3
"""Straight walks of a route."""
TURNS = ("turn left", "turn right", "turn back")


def turn_word(angle: float) -> str | None:
    """The word for a turn to the left by an angle in degrees; None where it is not clear."""
    if abs(angle) >= BACK:
        return "turn back"
    if STRAIGHT <= abs(angle) <= SIDE:
        return "turn left" if angle > 0 else "turn right"
    return None


def turn_words(facing: float, places: list[Point2]) -> list[str | None]:
    """The turns along a way through some places, starting at the first with a heading."""
    words = []
    for start, end in itertools.pairwise(places):
        ahead = heading(start, end)
        words.append(turn_word(bearing(ahead, facing)))
        facing = ahead
    return words


def _routes(things: dict[str, SceneObject], walks: Walks, start: str) -> dict[str, list[str]]:
    """Fewest straight walks from the start to everything that can be reached (breadth first)."""
    routes, waiting = {start: [start]}, deque([start])
    while waiting:
        here = waiting.popleft()
        for there in sorted(walks[here], key=lambda name: flat_distance(things[here], things[name])):
            if there not in routes and len(routes[here]) <= MOST:
                routes[there] = [*routes[here], there]
                waiting.append(there)
    return routes


def route_planning(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Turns of a route over free floor, from object to object in straight walks.

    The free floor is what a walker of `free_radius` can stand on: a grid without walls and furniture, doors open. One
    walks from object to object; breadth-first search over the straight walks finds the fewest to the goal. Routes of
    one to three walks are asked for. Each turn must be between 35 and 125 degrees to a side, or beyond 155 degrees.
    """
    if pick_kind(rng, config, ("choice",)) is None:
        return Rejection.ANSWER_KIND
    if not floor_known(scene) or not scene.room or not scene.complete:
        return Rejection.NO_FLOOR
    things, problems = known(scene, config.margins)
    if len(things) < 3:
        return Rejection.AMBIGUOUS_REFERENT if problems[Rejection.AMBIGUOUS_REFERENT] else Rejection.TOO_FEW_OBJECTS
    named = {thing.id: thing for thing in things}
    walks = straight_walks(scene, things, config.margins.free_radius)
    longest = rng.choice((2, 3, 3, 4))
    clear: dict[bool, list[tuple[list[SceneObject], SceneObject, list[str]]]] = {True: [], False: []}
    for names in _candidates(named, walks, rng.choice(sorted(named))):
        route = [named[name] for name in names]
        for faced in things:
            if faced not in route[:2]:
                turns = _turns(route, faced, config)
                if turns:
                    clear[len(route) == longest].append((route, faced, turns))
    found = clear[True] or clear[False]
    return _ask(*rng.choice(found), rng, config) if found else Rejection.NO_ROUTE


def _candidates(things: dict[str, SceneObject], walks: Walks, start: str) -> list[list[str]]:
    """Routes from a start: with the fewest walks, and over any one object between."""
    if start not in walks:
        return []
    routes = [route for route in _routes(things, walks, start).values() if len(route) > 1]
    # Fewest walks would leave nearly every open room with one; a detour over a third object is as good a route.
    return routes + [[start, by, goal] for by in walks[start] for goal in walks[by] if goal != start]


def _turns(route: list[SceneObject], faced: SceneObject, config: QuestionsConfig) -> list[str] | None:
    """The turns of a route; None where one is not clear."""
    near = config.margins.direction_near
    pairs = [*itertools.pairwise(route), (route[0], faced)]
    if any(flat_distance(one, two) < near for one, two in pairs):
        return None
    places = [(thing.center[0], thing.center[1]) for thing in route]
    words = turn_words(heading(places[0], (faced.center[0], faced.center[1])), places)
    turns = [word for word in words if word is not None]
    return turns if len(turns) == len(words) else None


def _ask(
    route: list[SceneObject], faced: SceneObject, turns: list[str], rng: random.Random, config: QuestionsConfig
) -> Question:
    truth = ", ".join(turns)
    everything = [", ".join(each) for each in itertools.product(TURNS, repeat=len(turns))]
    wrong = [text for text in everything if text != truth]
    options = [truth, *rng.sample(wrong, min(len(wrong), config.choices - 1))]
    rng.shuffle(options)
    steps = [
        f"{2 * i + 1}. [please fill in] {2 * i + 2}. Go forward until the {thing.label}."
        for i, thing in enumerate(route[1:])
    ]
    told = "; then ".join(f"{turn} towards the {thing.label}" for turn, thing in zip(turns, route[1:], strict=True))
    text = phrase(TEMPLATES, rng, config, a=route[0].label, b=faced.label, c=route[-1].label, steps=" ".join(steps))
    return choose(
        "route_planning",
        text,
        options,
        truth,
        cues={option: _cues(option, route, faced) for option in options},
        focus=tuple(thing.id for thing in (route[0], faced, *route[1:])),
        rationale=f"Facing the {faced.label}: {told}.",
        facts={"label": truth, "route": [thing.id for thing in route]},
    )


def _cues(option: str, route: list[SceneObject], faced: SceneObject) -> tuple[str, ...]:
    """What the words say for some turns: a walk that ends at what was faced first comes back to its line of sight."""
    shape = f"{len(route)} {route.index(faced) if faced in route else 'away'}"
    turns = option.split(", ")
    side = next((turn for turn in turns if turn != "turn back"), "")
    pattern = "".join("b" if turn == "turn back" else "s" if turn == side else "o" for turn in turns)
    return (
        option,
        pattern,
        f"{option} {shape}",
        f"{pattern} {shape}",
        *(f"{i} {t} {shape}" for i, t in enumerate(turns)),
        *(f"{t} at {here.category}" for t, here in zip(turns, route[:-1], strict=True)),
        *(f"{t} to {there.category}" for t, there in zip(turns, route[1:], strict=True)),
        f"{turns[0]} facing {faced.category}",
    )
