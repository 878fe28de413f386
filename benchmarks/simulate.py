"""Speed of the simulator, in pictures per second of one core's CPU time, as JSON.

    python benchmarks/simulate.py [--scenes 40]

``render`` is the rasteriser alone on finished scenes: depth, ids, ambient occlusion, colours. ``path`` is everything
that a data set needs: drawing rooms until one is good, pictures, visibility, questions, JPEG.
"""

from __future__ import annotations

import argparse
import json
import platform
import time

import numpy as np

from wherewise.questions import QuestionsConfig
from wherewise.questions.dataset import Job, make_scenes
from wherewise.scenes.simulate import SimulateConfig
from wherewise.scenes.simulate.generate import Draft, draft
from wherewise.scenes.simulate.render import paint, see, visibility

SMALL = {"framing": "objects", "furnish": False, "objects": (2, 5), "tint": 1.0, "distinct_colors": True}
CASES: dict[str, SimulateConfig] = {
    "room_448": SimulateConfig(width=448, height=448, objects=(12, 18), room=(4.0, 6.5)),
    "room_448_supersampled": SimulateConfig(width=448, height=448, objects=(12, 18), room=(4.0, 6.5), supersample=2),
    "room_224": SimulateConfig(width=224, height=224, objects=(12, 18), room=(4.0, 6.5)),
    "objects_192": SimulateConfig.model_validate({"width": 192, "height": 192, **SMALL}),
}


def render_speed(config: SimulateConfig, drafts: list[Draft]) -> float:
    """Pictures per CPU second of geometry and colours."""
    started = time.process_time()
    for drawn in drafts:
        camera = drawn.shots[0][0]
        paint(drawn.world, see(drawn.world.solid, camera, float(drawn.world.surface.room[1])), config.supersample)
    return len(drafts) / (time.process_time() - started)


def visibility_speed(drafts: list[Draft]) -> float:
    """Pictures per CPU second of amodal pixels, boxes and distances."""
    started = time.process_time()
    for drawn in drafts:
        visibility(drawn.world.solid, drawn.shots[0][1])
    return len(drafts) / (time.process_time() - started)


def path_speed(config: SimulateConfig, scenes: int) -> float:
    """Pictures per CPU second from nothing to questions and JPEG bytes."""
    job = Job(simulate=config, questions=QuestionsConfig(), seed=1, jpeg_quality=92)
    started = time.process_time()
    make_scenes(job, range(scenes))
    return scenes / (time.process_time() - started)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=40, help="scenes of each kind")
    scenes = parser.parse_args().scenes
    report: dict[str, object] = {"machine": platform.machine(), "python": platform.python_version(), "scenes": scenes}
    for name, config in CASES.items():
        drafts = [draft(config, 0, index) for index in range(scenes)]
        render_speed(config, drafts[:1])
        path_speed(config, 1)
        report[name] = {
            "triangles": round(float(np.mean([len(drawn.world.solid.faces) for drawn in drafts]))),
            "objects": round(float(np.mean([len(drawn.layout.placed) for drawn in drafts])), 1),
            "render_per_s": round(render_speed(config, drafts), 1),
            "visibility_per_s": round(visibility_speed(drafts), 1),
            "path_per_s": round(path_speed(config, scenes), 1),
        }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
