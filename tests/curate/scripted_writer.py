"""Two models by rules, behind a real server: one writes questions, one answers them, both with the faults of real ones.

What a request gets follows from its content and from how often it came: about one in ten meets a 503 (some two) before
it is answered, one in ten is first answered without the asked form (half of these again, when it is sent back), one in
twenty asks for a count and marks a wrong number. The answering model is always wrong about one question in eight, and
wrong in its first try about one in eight more.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from typing import Any

from fake_server import Behaviour, Fault, Request, Say

CATEGORIES = (
    "relation",
    "reach",
    "size",
    "orientation",
    "instance_location",
    "depth",
    "distance",
    "existence",
    "count",
)


def number(*parts: object) -> int:
    """A number that follows from the parts alone."""
    return int(hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()[:8], 16)


class Script:
    """Behaviour of the server; `delay` seconds pass before each reply."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.seen: Counter[str] = Counter()
        self.right: dict[str, str] = {}
        self.malformed: set[str] = set()
        self.wrong: set[str] = set()
        self.faults = 0
        self.repaired = 0
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Behaviour:
        messages = request.body["messages"]
        body = json.dumps([messages, request.body.get("seed")], sort_keys=True)
        key = hashlib.sha256(body.encode()).hexdigest()
        with self._lock:
            self.seen[key] += 1
            if self.seen[key] <= (number("503", key) % 20 == 0) + (number("503", key) % 20 <= 1):
                self.faults += 1
                return Fault(503, headers={"Retry-After": "0.01"})
            texts = _texts(messages[1])
            if "multiple-choice questions that test" in messages[0]["content"]:
                return Say(self._write(texts[0], texts[-1], repair=len(messages) > 2), delay=self.delay)
            return Say(self._answer(texts[0], int(request.body["seed"])), delay=self.delay)

    def _write(self, graph: str, wanted: str, *, repair: bool) -> str:
        kind = number("kind", graph) % 20
        if kind < 2:
            self.malformed.add(graph)
            if not repair or number("again", graph) % 2:
                return 'Sure! {"question": "Where is the square?", "options": ["left"'
            self.repaired += 1
        plain = json.loads(graph)
        if kind == 2:
            self.wrong.add(graph)
            return json.dumps(self._count(plain, graph, wrong=True))
        found = re.search(r"Most wanted now: (\w+), (\w+)", wanted)
        category = found[1 + number("which", graph) % 4 // 3] if found else CATEGORIES[number("first", graph) % 9]
        return json.dumps(self._question(plain, graph, category))

    def _question(self, plain: dict[str, Any], graph: str, category: str) -> dict[str, Any]:
        things = plain["objects"]
        a, b = _name(things[0]), _name(things[-1])
        questions = {
            "relation": (f"Where is the {a} in relation to the {b}?", ["left", "right", "above", "below"]),
            "reach": (f"Does the {a} touch the {b}?", ["Yes", "No"]),
            "size": (f"Which is larger, the {a} or the {b}?", ["the first", "the second", "both are equal"]),
            "orientation": (f"Which way does the {a} point?", ["up", "down", "sideways"]),
            "instance_location": (f"Where in the picture is the {a}?", ["left", "right", "centre"]),
            "depth": (f"Which is closer to the camera, the {a} or the {b}?", ["the first", "the second"]),
            "distance": (f"Is the {a} near the {b} or far from it?", ["near", "far"]),
        }
        if category == "count":
            return self._count(plain, graph, wrong=False)
        if category == "existence":
            return self._reply(f"Is there a {a} in the picture?", ["Yes", "No"], 0, "existence", graph)
        question, options = questions[category]
        return self._reply(question, options, number("gold", graph) % len(options), category, graph)

    def _count(self, plain: dict[str, Any], graph: str, *, wrong: bool) -> dict[str, Any]:
        name = _name(plain["objects"][number("counted", graph) % len(plain["objects"])])
        count = sum(_name(thing) == name for thing in plain["objects"])
        marked = count + 1 if wrong else count
        options = [marked, marked + 1, marked + 2]
        if wrong and number("among", graph) % 2:
            options[2] = count
        written = [str(value) for value in options]
        return self._reply(f"How many {name}s are there in the picture?", written, 0, "count", graph)

    def _reply(self, question: str, options: list[str], gold: int, category: str, graph: str) -> dict[str, Any]:
        tag = f" [{number('tag', graph):08x}]"  # lets the answering model know the question again
        question = question.replace("?", f"{tag}?") if category != "count" else question
        self.right[question] = options[gold]
        return {
            "question": question,
            "options": options,
            "answer": "ABCD"[gold],
            "category": category,
            "level": ("easy", "medium", "hard")[number("level", graph) % 3],
            "rating": 1 + number("rating", graph) % 10,
        }

    def _answer(self, asked: str, seed: int) -> str:
        question, *lines = asked.split("\n")
        options = [line.partition(") ")[2] for line in lines]
        # Of the options of a count the smallest is the true one, once the graph has put it right (see `_count`).
        counts = all(option.isdigit() for option in options)
        place = options.index(min(options, key=int) if counts else self.right[question])
        fate = number("fate", question, *sorted(options)) % 8
        if fate == 0 or (fate == 1 and seed == 0):
            place = (place + 1) % len(options)
        return json.dumps({"reason": "as it looks", "answer": "ABCD"[place]})


def _name(thing: dict[str, Any]) -> str:
    noun = thing["id"].partition(".")[0].replace("_", " ")
    colours = [word for word in thing.get("attributes", ()) if word in ("yellow", "black", "blue")]
    return " ".join([*colours, noun])


def _texts(message: dict[str, Any]) -> list[str]:
    content = message["content"]
    if isinstance(content, str):
        return content.split("\n\n")
    return [part["text"] for part in content if part["type"] == "text"]
