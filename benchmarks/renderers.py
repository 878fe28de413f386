"""Other renderers on the simulator's own scenes: moderngl (OpenGL) and mujoco, each with colours, depth and ids.

Both draw the triangles of one room of the simulator, its walls, floor and ceiling as triangles too, with one shadow
from the same light. moderngl's shaders do what the simulator's do: the same textures, light and ambient occlusion.
mujoco has its own shading, with one colour for each piece of furniture and no ambient occlusion.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

import numpy as np

from wherewise.scenes.scene import Camera
from wherewise.scenes.simulate.generate import Draft
from wherewise.scenes.simulate.world import World

Frame = tuple[np.ndarray, np.ndarray, np.ndarray]


class Renderer(Protocol):
    """A renderer with one room loaded."""

    def draw(self, camera: Camera) -> Frame:
        """Colours (H, W, 3), depth (H, W) and ids (H, W)."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


def room_triangles(world: World) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners (12, 3, 3), inward normals (12, 3) and colours (12, 3) of a plain room."""
    low, high = world.solid.bounds
    corners, normals, colors = [], [], []
    for plane in range(6):
        axis, side = divmod(plane, 2)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        quad = []
        for u, v in ((0, 0), (1, 0), (1, 1), (0, 1)):
            point = np.zeros(3)
            point[axis], point[a], point[b] = (low, high)[side][axis], (low, high)[u][a], (low, high)[v][b]
            quad.append(point)
        normal = np.zeros(3)
        normal[axis] = 1.0 - 2.0 * side
        corners += [[quad[0], quad[1], quad[2]], [quad[0], quad[2], quad[3]]]
        normals += [normal] * 2
        colors += [world.surface.walls[plane] if plane != 4 else world.surface.floor[-1]] * 2
    return np.array(corners), np.array(normals), np.array(colors)


_VERTEX = """#version 330
uniform mat4 view;
in vec3 place; in vec3 normal; in vec2 uv; in vec3 color; in float layer; in float thing;
out vec3 n; out vec2 t; out vec3 c; out vec3 p; flat out float l; flat out int i;
void main() {
  gl_Position = view * vec4(place, 1.0);
  n = normal; t = uv; c = color; l = layer; i = int(thing); p = place;
}"""
# The simulator's own shading (`wherewise.scenes.simulate.shade`), term by term; openness comes from `_OCCLUSION`.
_FRAGMENT = """#version 330
uniform sampler2DArray textures; uniform sampler2D shadow; uniform sampler2D floors; uniform sampler2D openness;
uniform mat4 light; uniform vec3 sun; uniform vec3 sun_color; uniform vec3 ambient; uniform vec3 eye;
uniform vec3 lamp; uniform vec3 lamp_color; uniform vec3 bounce; uniform vec3 low; uniform vec3 high; uniform vec4 room;
in vec3 n; in vec2 t; in vec3 c; in vec3 p; flat in float l; flat in int i;
layout(location=0) out vec4 rgb; layout(location=1) out int id;
void main() {
  vec3 base = c; vec3 m = normalize(n); vec3 ray = normalize(p - eye); float gloss = 0.0; float free = 1.0;
  if (OCCLUDED) free = texelFetch(openness, ivec2(gl_FragCoord.xy) / (2 * FINE), 0).r;
  if (dot(m, ray) > 0.0) m = -m;
  if (i > 0) { gloss = 0.12; if (l >= 0.0) base *= texture(textures, vec3(t.x, 1.0 - t.y, l)).rgb; }
  else {
    if (m.z > 0.5) { base = texture(floors, p.xy / room.x).rgb; gloss = room.z; }
    else if (abs(m.z) < 0.5 && p.z < room.y) base = vec3(0.8);
    vec3 e = max(min(p - low, high - p), 0.0);
    if (abs(m.x) > 0.5) e.x = 1e3; if (abs(m.y) > 0.5) e.y = 1e3; if (abs(m.z) > 0.5) e.z = 1e3;
    vec3 d = (0.1152 + e) / (0.16 + e); free *= d.x * d.y * d.z;
  }
  float lit = 0.0; float shine = 0.0; float facing = -dot(m, sun);
  if (facing > 0.0) {
    vec3 q = (light * vec4(p + 0.02 * m, 1.0)).xyz * 0.5 + 0.5;
    for (int y = -1; y <= 1; y++) for (int x = -1; x <= 1; x++)
      lit += texture(shadow, q.xy + vec2(x, y) / 1024.0).r > q.z - 0.0006 ? 1.0 : 0.0;
    lit /= 9.0;
    vec3 h = -sun - ray; float s = max(0.0, dot(m, h)); s = s * s / (dot(h, h) + 1e-12);
    s *= s; s *= s; s *= s; s *= s; shine = s * lit * gloss; lit *= facing;
  }
  vec3 to = lamp - p; float d2 = dot(to, to); float far = sqrt(d2 + 1e-9);
  float glow = max(0.0, 0.85 * dot(m, to) + 0.15 * far) / (far * (0.6 + 0.18 * d2)) * free;
  float down = 0.5 - 0.5 * m.z; float sky = (1.0 - 0.28 * down) * free;
  vec3 x = base * (ambient * sky + bounce * down * free + lamp_color * glow + sun_color * lit * (0.6 + 0.4 * free));
  x = (x + sun_color * shine) * room.w;
  x = clamp(x * (1.0 + x * 0.25) / (1.0 + x) * 1.12, 0.0, 1.0);
  rgb = vec4(mix(12.92 * x, 1.055 * pow(x, vec3(1.0 / 2.4)) - 0.055, step(0.0031308, x)), 1.0); id = i;
}"""
_DEPTH_ONLY = """#version 330
uniform mat4 view; in vec3 place;
void main() { gl_Position = view * vec4(place, 1.0); }"""
_SCREEN = """#version 330
in vec2 corner;
void main() { gl_Position = vec4(corner, 0.0, 1.0); }"""
# Eight taps at every second pixel, and their average over 4x4 cells of like depth.
_OCCLUSION = """#version 330
uniform sampler2D depth; uniform vec4 lens; out float open;
vec3 at(ivec2 k) {
  float z = 2.0 * 0.05 * 40.0 / (40.05 - (2.0 * texelFetch(depth, k, 0).r - 1.0) * 39.95);
  return vec3((vec2(k) + 0.5 - lens.xy) / lens.z * z, z);
}
void main() {
  ivec2 k = ivec2(gl_FragCoord.xy) * 2 * FINE; ivec2 size = textureSize(depth, 0); vec3 p = at(k);
  vec3 n = normalize(cross(at(min(k + ivec2(1, 0), size - 1)) - p, at(min(k + ivec2(0, 1), size - 1)) - p));
  if (dot(n, p) > 0.0) n = -n;
  float reach = clamp(0.3 * lens.z / p.z, 3.0, 0.25 * float(size.y)); float closed = 0.0;
  float turn = float((int(gl_FragCoord.x) % 4) * 4 + int(gl_FragCoord.y) % 4) * 0.049;
  for (int j = 0; j < 8; j++) {
    float a = 0.7854 * float(j) + turn; ivec2 o = k + ivec2(vec2(cos(a), sin(a)) * reach * (0.12 + 0.11 * float(j)));
    if (any(lessThan(o, ivec2(0))) || any(greaterThanEqual(o, size))) continue;
    vec3 d = at(o) - p; float w = dot(d, n) - 0.004 * p.z; float d2 = dot(d, d); float fall = 1.0 - d2 / 0.36;
    if (w > 0.0 && fall > 0.0) closed += w / sqrt(d2 + 1e-6) * fall;
  }
  open = max(0.0, 1.0 - 1.5 * closed / 8.0);
}"""
_BLUR = """#version 330
uniform sampler2D raw; uniform sampler2D depth; out float open;
void main() {
  ivec2 k = ivec2(gl_FragCoord.xy); ivec2 size = textureSize(raw, 0); float total = 0.0; float weight = 0.0;
  float here = 1.0 - texelFetch(depth, k * 2 * FINE, 0).r;
  for (int y = -2; y < 2; y++) for (int x = -2; x < 2; x++) {
    ivec2 o = k + ivec2(x, y); if (any(lessThan(o, ivec2(0))) || any(greaterThanEqual(o, size))) continue;
    if (abs(1.0 - texelFetch(depth, o * 2 * FINE, 0).r - here) < 0.06 * here) {
      total += texelFetch(raw, o, 0).r; weight += 1.0; }
  }
  open = weight > 0.0 ? total / weight : texelFetch(raw, k, 0).r;
}"""

# 2x2 samples to one pixel: the colours' mean, and depth and id of one of them.
_RESOLVE = """#version 330
uniform sampler2D fine; uniform isampler2D things; uniform sampler2D depth;
layout(location=0) out vec4 rgb; layout(location=1) out int id; layout(location=2) out float z;
void main() {
  ivec2 k = ivec2(gl_FragCoord.xy) * 2; vec4 total = vec4(0.0);
  for (int y = 0; y < 2; y++) for (int x = 0; x < 2; x++) total += texelFetch(fine, k + ivec2(x, y), 0);
  rgb = total * 0.25; id = texelFetch(things, k, 0).r; z = texelFetch(depth, k, 0).r;
}"""


class OpenGL:
    """moderngl on EGL without a display: Mesa's llvmpipe where there is no GPU.

    With `occluded`, ambient occlusion as the simulator has it: a pass for depth, one at half size, one to smooth it.
    """

    def __init__(self, drawn: Draft, world: World, fine: int, occluded: bool = True) -> None:
        import moderngl

        self._occluded = occluded

        self._gl = moderngl
        self._context = moderngl.create_context(standalone=True, backend="egl")
        self.name = str(self._context.info["GL_RENDERER"])
        self._fine = fine
        self._buffers: dict[tuple[int, int], Any] = {}
        surface, solid = world.surface, world.solid
        faces = solid.faces
        walls, wall_normals, wall_colors = room_triangles(world)
        material = surface.face_material
        layer = np.where(surface.material_texture < 0, -1, surface.material_texture // 21845)[material]
        columns = [
            np.concatenate([solid.points[faces].reshape(-1, 3), walls.reshape(-1, 3)]),
            np.concatenate([surface.normals[faces].reshape(-1, 3), np.repeat(wall_normals, 3, 0)]),
            np.concatenate([surface.uvs[faces].reshape(-1, 2), np.zeros((36, 2))]),
            np.concatenate([np.repeat(surface.material_color[material], 3, 0), np.repeat(wall_colors, 3, 0)]),
            np.concatenate([np.repeat(layer, 3), np.full(36, -1)])[:, None],
            np.concatenate([np.repeat(solid.face_object, 3), np.zeros(36)])[:, None],
        ]
        data = np.concatenate(columns, 1).astype("f4")
        buffer = self._context.buffer(data.tobytes())
        words = {"OCCLUDED": "true" if occluded else "false", "FINE": str(fine)}
        self._program = self._compile(_VERTEX, _FRAGMENT, words)
        names = ("place", "normal", "uv", "color", "layer", "thing")
        self._room = self._context.vertex_array(self._program, [(buffer, "3f 3f 2f 3f 1f 1f", *names)])
        self._only = self._compile(_DEPTH_ONLY, "#version 330\nvoid main() {}", {})
        places = self._context.buffer(np.ascontiguousarray(data[:, :3]).tobytes())
        self._before = self._context.vertex_array(self._only, [(places, "3f", "place")])
        screen = self._context.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], "f4").tobytes())
        self._occlusion, self._blur = (self._compile(_SCREEN, text, words) for text in (_OCCLUSION, _BLUR))
        self._resolve = self._compile(_SCREEN, _RESOLVE, words)
        self._screens = [
            self._context.vertex_array(program, [(screen, "2f", "corner")])
            for program in (self._occlusion, self._blur, self._resolve)
        ]
        textures = (drawn.catalogue.textures.astype(np.float32) / 255) ** 2.2
        array = self._context.texture_array((128, 128, len(textures)), 3, (textures * 255).astype(np.uint8).tobytes())
        array.build_mipmaps()
        array.use(0)
        floor = (surface.floor[: 256 * 256] * 255).clip(0, 255).astype(np.uint8)
        floors = self._context.texture((256, 256), 3, floor.tobytes())
        floors.build_mipmaps()
        floors.use(2)
        axes, origin = world.light.axes, world.light.origin
        light = np.eye(4)
        scale = 2 * world.light.scale / world.light.light_map.shape[0]
        light[:2, :3], light[2, :3] = axes[:2] * scale, axes[2] / 20
        light[:3, 3] = -light[:3, :3] @ origin
        depth = self._context.depth_texture((1024, 1024))
        depth.compare_func = ""
        furniture = self._context.buffer(np.ascontiguousarray(data[:-36, :3]).tobytes())
        self._only["view"].write(light.T.astype("f4").tobytes())
        target = self._context.framebuffer(depth_attachment=depth)
        target.use()
        target.clear(depth=1.0)
        self._context.enable(moderngl.DEPTH_TEST)
        self._context.vertex_array(self._only, [(furniture, "3f", "place")]).render()
        depth.use(1)
        low, high = world.solid.bounds
        values: dict[str, Any] = {"textures": 0, "shadow": 1, "floors": 2, "openness": 3, "sun": axes[2]}
        values |= {"sun_color": world.light.lights[0], "lamp": world.light.lights[1], "ambient": world.light.lights[2]}
        values |= {"lamp_color": world.light.lights[3], "bounce": world.light.lights[4], "low": low, "high": high}
        values |= {"room": (*surface.room, world.light.exposure), "light": light.T.astype("f4").tobytes()}
        for name, value in values.items():
            self._set(self._program, name, value)

    def _compile(self, vertex: str, fragment: str, words: dict[str, str]) -> Any:
        for word, text in words.items():
            fragment = fragment.replace(word, text)
        return self._context.program(vertex_shader=vertex, fragment_shader=fragment)

    @staticmethod
    def _set(program: Any, name: str, value: Any) -> None:
        """Set a uniform, if the compiler left it in."""
        if name not in program:
            return
        if isinstance(value, bytes):
            program[name].write(value)
        else:
            program[name] = value if isinstance(value, int) else tuple(float(v) for v in value)

    def draw(self, camera: Camera) -> Frame:
        """One frame, read back."""
        width, height = camera.width * self._fine, camera.height * self._fine
        if (width, height) not in self._buffers:
            self._buffers[width, height] = self._targets(width, height)
        full, small, halves = self._buffers[width, height]
        near, far = 0.05, 40.0
        projection = np.zeros((4, 4))
        projection[0, 0], projection[1, 1] = 2 * camera.focal / camera.width, 2 * camera.focal / camera.height
        projection[2, 2], projection[2, 3], projection[3, 2] = (
            (far + near) / (far - near),
            -2 * far * near / (far - near),
            1,
        )
        view = np.eye(4)
        view[:3, :3] = camera.rotation
        view[:3, 3] = -view[:3, :3] @ np.array(camera.position)
        matrix = (projection @ view).T.astype("f4").tobytes()
        self._program["view"].write(matrix)
        self._set(self._program, "eye", camera.position)
        full.use()
        full.clear(depth=1.0)
        if self._occluded:
            self._only["view"].write(matrix)
            self._before.render()
            self._set(self._occlusion, "lens", (width / 2, height / 2, camera.focal * self._fine, 0.0))
            for program, screen, target in zip((self._occlusion, self._blur), self._screens[:2], halves, strict=True):
                full.depth_attachment.use(4)
                halves[0].color_attachments[0].use(5)
                self._set(program, "depth", 4)
                self._set(program, "raw", 5)
                target.use()
                self._context.disable(self._gl.DEPTH_TEST)
                screen.render(self._gl.TRIANGLE_STRIP)
            halves[1].color_attachments[0].use(3)
            self._context.enable(self._gl.DEPTH_TEST)
            self._context.depth_func = "<="
            full.use()
        self._room.render()
        if small is not full:
            parts = (*full.color_attachments, full.depth_attachment)
            for unit, (name, part) in enumerate(zip(("fine", "things", "depth"), parts, strict=True), start=4):
                part.use(unit)
                self._set(self._resolve, name, unit)
            small.use()
            self._context.disable(self._gl.DEPTH_TEST)
            self._screens[2].render(self._gl.TRIANGLE_STRIP)
            self._context.enable(self._gl.DEPTH_TEST)
        rgb = np.frombuffer(small.read(components=3), np.uint8).reshape(camera.height, camera.width, 3)
        ids = np.frombuffer(small.read(components=1, attachment=1, dtype="i4"), np.int32)
        last = -1 if small is full else 2
        raw = np.frombuffer(small.read(components=1, attachment=last, dtype="f4"), np.float32)
        depth = 2 * near * far / (far + near - (2 * raw - 1) * (far - near))
        # the picture comes bottom row first, and y was turned round for that
        return rgb, depth.reshape(camera.height, camera.width), ids.reshape(camera.height, camera.width)

    def _targets(self, width: int, height: int) -> tuple[Any, Any, list[Any]]:
        def textures(w: int, h: int) -> list[Any]:
            return [self._context.texture((w, h), 4), self._context.texture((w, h), 1, dtype="i4")]

        full = self._context.framebuffer(textures(width, height), self._context.depth_texture((width, height)))
        full.depth_attachment.compare_func = ""
        small = full
        if self._fine == 2:
            size = (width // 2, height // 2)
            parts = [*textures(*size), self._context.texture(size, 1, dtype="f4")]
            small = self._context.framebuffer(parts)
        half = ((width // self._fine + 1) // 2, (height // self._fine + 1) // 2)
        halves = [self._context.framebuffer([self._context.texture(half, 1, dtype="f4")]) for _ in range(2)]
        return full, small, halves

    def close(self) -> None:
        """Free the context."""
        self._context.release()


class Mujoco:
    """mujoco's renderer; colours, depth and ids are three passes of it."""

    def __init__(self, drawn: Draft, world: World, fine: int) -> None:
        os.environ.setdefault("MUJOCO_GL", "egl")
        import mujoco

        self._mujoco, self._fine = mujoco, fine
        spec = mujoco.MjSpec()
        spec.visual.quality.shadowsize = 1024
        spec.visual.quality.offsamples = 0
        spec.visual.global_.offwidth = spec.visual.global_.offheight = 2048
        solid = world.solid
        _, _, wall_colors = room_triangles(world)
        parts = [(solid.points[solid.faces[a:b]].reshape(-1, 3), (0.6, 0.5, 0.4)) for a, b in solid.ranges]
        low, high = solid.bounds
        self._things = len(parts)
        for number, (points, color) in enumerate(parts):
            used, faces = np.unique(points.astype(np.float64), axis=0, return_inverse=True)
            mesh = spec.add_mesh(name=f"m{number}", uservert=used.ravel(), userface=faces.astype(np.int32).ravel())
            mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL
            geom = spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=f"m{number}")
            geom.rgba = [*color, 1.0]
            geom.contype = geom.conaffinity = 0
        for plane in range(6):
            axis, side = divmod(plane, 2)
            half, middle = (high - low) / 2, (high + low) / 2
            half[axis] = 0.01
            middle[axis] = (low, high)[side][axis] + (0.01 if side else -0.01)
            geom = spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=half, pos=middle)
            geom.rgba = [*np.clip(wall_colors[2 * plane], 0, 1), 1.0]
        light = spec.worldbody.add_light(pos=[0, 0, high[2] - 0.3], dir=world.light.axes[2], castshadow=True)
        light.type = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
        self._cameras: dict[int, tuple[Any, Any]] = {}
        for number, shot in enumerate(drawn.shots):
            camera = shot.camera
            right, down = camera.rotation[0], camera.rotation[1]
            fovy = 2 * np.degrees(np.arctan(camera.height / 2 / camera.focal))
            axes = np.array([right, np.negative(down), np.negative(camera.rotation[2])])
            turn = np.zeros(4)
            mujoco.mju_mat2Quat(turn, axes.T.ravel())
            spec.worldbody.add_camera(name=f"c{number}", pos=camera.position, fovy=fovy, quat=turn)
        self._model = spec.compile()
        self._data = mujoco.MjData(self._model)
        mujoco.mj_forward(self._model, self._data)
        self.name = "EGL" if os.environ["MUJOCO_GL"] == "egl" else os.environ["MUJOCO_GL"]
        self._renderer: Any = None

    def draw(self, camera: Camera) -> Frame:
        """One frame from the first camera."""
        if self._renderer is None:
            size = (camera.height * self._fine, camera.width * self._fine)
            self._renderer = self._mujoco.Renderer(self._model, *size)
        renderer = self._renderer
        out = []
        for mode in ("rgb", "depth", "segmentation"):
            renderer.disable_depth_rendering()
            renderer.disable_segmentation_rendering()
            if mode != "rgb":
                getattr(renderer, f"enable_{mode}_rendering")()
            renderer.update_scene(self._data, camera="c0")
            out.append(renderer.render().copy())
        things = out[2][..., 0] + 1
        return out[0], out[1], np.where(things > self._things, 0, things)

    def close(self) -> None:
        """Free the context."""
        if self._renderer is not None:
            self._renderer.close()
