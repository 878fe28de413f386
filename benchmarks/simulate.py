"""Speed of the simulator beside other renderers, in frames per second of one core's CPU time, as JSON.

    python benchmarks/simulate.py [--scenes 20] [--sizes 224x224,448x448,640x480] [--processes]

``frames`` has every renderer on the same rooms: depth, ids and colours of each room's camera. The shadow is drawn
once a room and left out. Times are CPU seconds of the process, threads of GL drivers included, so idle cores don't
help; a GPU, where there is one, would make the other renderers' figures meaningless. moderngl and mujoco are used if
they can be imported and find EGL (Debian: ``libegl1 libgl1-mesa-dri``); otherwise the report says what is missing.

``path`` is everything that a data set needs: drawing rooms until one is good, pictures, visibility, questions, JPEG.
``--processes`` also times the same path with one and two processes on the wall clock, which needs two idle cores.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import resource
import time
from collections.abc import Callable

import numpy as np

from renderers import Mujoco, OpenGL, Renderer
from wherewise.questions import QuestionsConfig
from wherewise.questions.dataset import Job, build_dataset, make_scenes
from wherewise.scenes.simulate import Home, SimulateConfig
from wherewise.scenes.simulate.generate import Draft, draft, shadow_side
from wherewise.scenes.simulate.render import paint, see, visibility
from wherewise.scenes.simulate.world import World

ROOM = SimulateConfig(objects=(12, 18), room=(4.0, 6.5))
SMALL = {"framing": "objects", "furnish": False, "objects": (2, 5), "tint": 1.0, "distinct_colors": True}
PATHS: dict[str, SimulateConfig] = {
    "room 448": ROOM,
    "home 448": ROOM.model_copy(update={"home": Home(rooms=(1, 4)), "objects": (12, 24)}),
    "room 224": ROOM.model_copy(update={"width": 224, "height": 224}),
    "objects 192": SimulateConfig.model_validate({"width": 192, "height": 192, **SMALL}),
}
ROUNDS = 3

Loaded = tuple[Draft, World]
Other = Callable[[Draft, World, int], Renderer]
OTHERS: dict[str, Other] = {
    "moderngl, same shading": OpenGL,
    "moderngl, no ambient occlusion": lambda drawn, world, fine: OpenGL(drawn, world, fine, occluded=False),
    "mujoco": Mujoco,
}


def per_second(work: Callable[[], object], count: int) -> float:
    """The best of `ROUNDS` rounds, so that what else the machine does counts least."""
    best = 0.0
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(count):
            work()
        best = max(best, count / (time.process_time() - started))
    return best


def ours(drawn: Draft, world: World, fine: int) -> None:
    """One frame of the simulator."""
    paint(world, see(world.solid, drawn.shots[0].camera, float(world.surface.room[1])), fine)


def middle(values: list[float]) -> float:
    """Frames per second over rooms that are drawn equally often."""
    return round(len(values) / sum(1 / value for value in values), 1)


def frames(rooms: list[Loaded], fine: int) -> dict[str, object]:
    """Every renderer's frames per second on the same rooms, and whether it saw the same."""
    report: dict[str, object] = {}
    for drawn, world in rooms:
        ours(drawn, world, fine)
    report["wherewise"] = middle([per_second(lambda d=d, w=w: ours(d, w, fine), 2) for d, w in rooms])
    report["wherewise, no ambient occlusion or colours"] = middle(
        [per_second(lambda d=d, w=w: see(w.solid, d.shots[0].camera, 0.1), 4) for d, w in rooms]
    )
    for name, make in OTHERS.items():
        try:
            report[name] = _other(rooms, fine, make)
        except Exception as missing:  # whatever a driver raises: the report says it
            report[name] = f"absent: {type(missing).__name__}: {str(missing).splitlines()[0]}"
    return report


def _other(rooms: list[Loaded], fine: int, make: Other) -> dict[str, float]:
    speeds, same = [], []
    for drawn, world in rooms:
        renderer = make(drawn, world, fine)
        camera, geometry = drawn.shots[0].camera, drawn.shots[0].geometry
        _, depth, ids = renderer.draw(camera)
        if ids.shape == geometry.ids.shape:
            same.append(float(((ids == geometry.ids) & (np.abs(depth - geometry.depth) < 0.01)).mean()))
        speeds.append(per_second(lambda draw=renderer.draw, camera=camera: draw(camera), 2))
        renderer.close()
    out = {"frames_per_s": middle(speeds)}
    return out | ({"same_pixels": round(float(np.mean(same)), 4)} if same else {})


def path(config: SimulateConfig, scenes: int) -> dict[str, float]:
    """Pictures and questions per CPU second from nothing to questions and JPEG bytes; amodal visibility alone."""
    job = Job(simulate=config, questions=QuestionsConfig(), seed=1, jpeg_quality=92)
    make_scenes(job, range(1))
    started = time.process_time()
    made = make_scenes(job, range(1, 1 + scenes))
    spent = time.process_time() - started
    questions = sum(len(each) for scene in made for each in scene.candidates.values())
    drawn = draft(config, 0, 0)
    seen = per_second(lambda: visibility(drawn.shots[0].solid, drawn.shots[0].geometry), 4)
    return {
        "pictures_per_s": round(scenes / spent, 1),
        "questions_per_s": round(questions / spent, 1),
        "visibility_per_s": round(seen, 1),
    }


def processes(scenes: int) -> dict[str, float]:
    """Wall-clock ratio of two processes to one on the same path."""
    config = PATHS["room 448"]
    questions = QuestionsConfig(calibration=0)
    spent = {}
    for workers in (1, 2):
        started = time.monotonic()
        for _ in build_dataset(config, questions, splits={"train": scenes}, workers=workers):
            pass
        spent[workers] = time.monotonic() - started
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return {"ratio": round(spent[1] / spent[2], 2), "scenes": scenes, "load_after": round(load, 1)}


def memory(scenes: int) -> dict[str, float]:
    """Peak memory in MB after a tenth of the scenes and after all of them."""
    config = PATHS["objects 192"]
    job = Job(simulate=config, questions=QuestionsConfig(), seed=2, jpeg_quality=92)
    peaks = []
    for index in range(scenes):
        make_scenes(job, [index])
        if index + 1 in (scenes // 10, scenes):
            gc.collect()
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return {"scenes": scenes, "peak_mb_after_a_tenth": round(peaks[0], 1), "peak_mb_after_all": round(peaks[1], 1)}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=20, help="rooms of each kind")
    parser.add_argument("--sizes", default="224x224,448x448,640x480", help="pictures to draw, WxH, comma between")
    parser.add_argument("--processes", type=int, default=0, metavar="N", help="also 1 and 2 processes over N scenes")
    parser.add_argument("--memory", type=int, default=0, metavar="N", help="also peak memory over N small scenes")
    arguments = parser.parse_args()
    os.environ.setdefault("LP_NUM_THREADS", "1")
    # first of all: the peak is that of the whole process
    used = {"memory": memory(arguments.memory)} if arguments.memory else {}
    report: dict[str, object] = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "scenes": arguments.scenes,
        **used,
        "frames": {},
        "path": {name: path(config, arguments.scenes) for name, config in PATHS.items()},
    }
    for size in arguments.sizes.split(","):
        width, height = (int(word) for word in size.split("x"))
        config = ROOM.model_copy(update={"width": width, "height": height})
        drafts = [draft(config, 0, index) for index in range(arguments.scenes)]
        rooms = [(drawn, drawn.world(drawn.shots[0], shadow_side(config))) for drawn in drafts]
        for fine in (1, 2):
            key = size if fine == 1 else f"{size}, 2x2 samples"
            report["frames"][key] = frames(rooms, fine)  # type: ignore[index]
    report["triangles"] = round(float(np.mean([len(drawn.shots[0].solid.faces) for drawn in drafts])))
    if arguments.processes:
        report["processes"] = processes(arguments.processes)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
