"""The shader: textures, shadows, lamps, tone mapping; from the buffers of `raster`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.simulate.kernel import kernel
from wherewise.scenes.simulate.lookup import barycentric, edges, sunlit, texture
from wherewise.scenes.simulate.occlusion import open_at
from wherewise.scenes.simulate.raster import Pinhole

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

_x = np.arange(4096) / 4095.0 * 3.0
_y = np.clip(_x * (1 + _x / 4.0) / (1 + _x) * 1.12, 0, 1)
#: Linear light 0..3 -> display byte.
TONE: U8 = np.round(255 * np.where(_y <= 0.0031308, 12.92 * _y, 1.055 * np.power(_y, 1 / 2.4) - 0.055)).astype(np.uint8)


class Buffers(NamedTuple):
    """What `raster` drew for one view."""

    depth: F32
    """(H, W) 1/z."""
    owner: I32
    """(H, W) face, or -1..-10 for the room's shell."""
    fine_depth: F32
    """(2H, 2W) with 2x2 samples a pixel, else `depth`."""
    fine_owner: I32
    """(2H, 2W), else `owner`."""
    openness: F32
    """(ceil(H/2), ceil(W/2)) blurred ambient openness."""
    homog: F64
    """(V, 3) homogeneous vertices."""


class Surface(NamedTuple):
    """Faces and materials of a scene."""

    faces: I32
    """(F, 3)."""
    normals: F32
    """(V, 3)."""
    uvs: F32
    """(V, 2)."""
    face_material: I32
    """(F,)."""
    face_object: I32
    """(F,) index of the object, from 1."""
    face_normals: F32
    """(F, 3)."""
    density: F32
    """(F,) texels per metre."""
    material_color: F32
    """(M, 3) linear."""
    material_texture: I32
    """(M,) first texel of its pyramid, or -1."""
    material_tint: F32
    """(M,) 0, or the factor that brings its mean grey to 1."""
    texels: F32
    """(T, 3) linear, the mip pyramids of all textures."""
    floor: F32
    """(87381, 3) linear, the floor's mip pyramid."""
    walls: F64
    """(7, 3) linear: x-, x+, y-, y+, floor, ceiling, skirting."""
    bounds: F64
    """(2, 3) low and high corner of the room."""
    room: F64
    """Floor scale in metres, skirting height in metres, floor gloss."""
    material_glow: F32
    """(M,) 0, or the factor with which it shines in its own colour."""
    shell: int
    """First face of a home's walls, floors and ceilings; their textures are those of `floor`, 256 texels a side."""
    face_room: I32
    """(F,) index of its room; (1,) where there is no plan."""
    near_walls: F32
    """(rows, columns) metres from the floor there to the nearest wall."""
    near_frame: F64
    """x and y of the first of these, values per metre, height of the ceiling."""
    material_gloss: F64
    """(M,) how much it mirrors the key light."""


class Light(NamedTuple):
    """Lamps of a scene."""

    light_map: F32
    """(S, S) 100 - depth seen from the key light."""
    axes: F64
    """(3, 3) right, up and direction of the key light."""
    origin: F64
    """(3,) world point at the map's centre."""
    scale: float
    """Map pixels per metre."""
    lights: F64
    """(5, 3) key light, position of the ceiling lamp, ambient, ceiling lamp, bounce from the floor; linear."""
    exposure: float
    """Factor before tone mapping."""
    lamps: F64
    """(R, 3) place of each room's ceiling lamp, where there is a plan."""


@kernel
def _same_surface(
    fine_owner: I32, face_object: I32, face_material: I32, face_normals: F32, row: int, column: int
) -> bool:
    """Whether the 2x2 fine samples from (row, column) on lie on one smooth surface."""
    face = fine_owner[row, column]
    for k in range(1, 4):
        other = fine_owner[row + k // 2, column + k % 2]
        if other == face:
            continue
        if other < 0 or face < 0:
            return False
        if face_object[other] != face_object[face] or face_material[face] != face_material[other]:
            return False
        dot = (
            face_normals[face, 0] * face_normals[other, 0]
            + face_normals[face, 1] * face_normals[other, 1]
            + face_normals[face, 2] * face_normals[other, 2]
        )
        if abs(dot) < 0.9:
            return False
    return True


@kernel
def shade(step: int, buffers: Buffers, surface: Surface, pinhole: Pinhole, light: Light, tone: U8, rgb: U8) -> None:
    """Colour every pixel of `rgb` (H, W, 3).

    With `step` 2, `buffers` hold 2x2 fine samples a pixel; where these lie on one smooth surface it is shaded once.
    """
    height, width = rgb.shape[:2]
    # Arrays and numbers of the tuples as locals: reading them through the tuples costs a reference count each time.
    depth = buffers.depth
    owner = buffers.owner
    fine_depth = buffers.fine_depth
    fine_owner = buffers.fine_owner
    openness = buffers.openness
    homog = buffers.homog
    faces = surface.faces
    normals = surface.normals
    uvs = surface.uvs
    face_material = surface.face_material
    face_object = surface.face_object
    face_normals = surface.face_normals
    density = surface.density
    material_color = surface.material_color
    material_texture = surface.material_texture
    material_tint = surface.material_tint
    texels = surface.texels
    floor = surface.floor
    walls = surface.walls
    bx0, by0, bz0 = surface.bounds[0]
    bx1, by1, bz1 = surface.bounds[1]
    floor_scale, skirting_height, floor_gloss = surface.room
    material_glow = surface.material_glow
    material_gloss = surface.material_gloss
    first_shell = surface.shell
    planned = first_shell < faces.shape[0]
    face_room = surface.face_room
    near_walls = surface.near_walls
    near_x, near_y, near_scale, ceiling = surface.near_frame
    lamps = light.lamps
    ax, ay, az = pinhole.rotation[0]
    bx, by, bz = pinhole.rotation[1]
    cx, cy, cz = pinhole.rotation[2]
    eye_x, eye_y, eye_z = pinhole.eye
    unfocal = pinhole.unfocal
    middle_x = pinhole.cx
    middle_y = pinhole.cy
    light_map = light.light_map
    scale = light.scale
    ux, uy, uz = light.axes[0]
    vx, vy, vz = light.axes[1]
    dx, dy, dz = light.axes[2]
    ox, oy, oz = light.origin
    sun_r, sun_g, sun_b = light.lights[0]
    lamp_x, lamp_y, lamp_z = light.lights[1]
    ambient_r, ambient_g, ambient_b = light.lights[2]
    lamp_r, lamp_g, lamp_b = light.lights[3]
    bounce_r, bounce_g, bounce_b = light.lights[4]
    half = 0.5 * light_map.shape[0]
    unscaled = 1.0 / floor_scale
    top = tone.shape[0] - 1
    factor = light.exposure * top / 3.0
    for y in range(height):
        for x in range(width):
            count = 1
            if step == 2 and not _same_surface(fine_owner, face_object, face_material, face_normals, 2 * y, 2 * x):
                count = 4
            red = 0
            green = 0
            blue = 0
            for k in range(count):
                if count == 1:
                    face = owner[y, x]
                    inverse = depth[y, x]
                    sx = x + 0.5
                    sy = y + 0.5
                else:
                    face = fine_owner[2 * y + k // 2, 2 * x + k % 2]
                    inverse = fine_depth[2 * y + k // 2, 2 * x + k % 2]
                    sx = x + 0.25 + 0.5 * (k % 2)
                    sy = y + 0.25 + 0.5 * (k // 2)
                z = 1.0 / inverse
                u = (sx - middle_x) * unfocal
                v = (sy - middle_y) * unfocal
                rx = ax * u + bx * v + cx
                ry = ay * u + by * v + cy
                rz = az * u + bz * v + cz
                px = eye_x + rx * z
                py = eye_y + ry * z
                pz = eye_z + rz * z
                length = 1.0 / np.sqrt(rx * rx + ry * ry + rz * rz)
                rx *= length
                ry *= length
                rz *= length
                free = open_at(openness, depth, x, y, inverse)
                gloss = 0.0
                if face >= 0:
                    i = faces[face, 0]
                    j = faces[face, 1]
                    m = faces[face, 2]
                    g0, g1, g2 = barycentric(homog, i, j, m, sx, sy)
                    nx = g0 * normals[i, 0] + g1 * normals[j, 0] + g2 * normals[m, 0]
                    ny = g0 * normals[i, 1] + g1 * normals[j, 1] + g2 * normals[m, 1]
                    nz = g0 * normals[i, 2] + g1 * normals[j, 2] + g2 * normals[m, 2]
                    length = 1.0 / (np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12)
                    facing = (nx * rx + ny * ry + nz * rz) * length
                    if facing > 0:
                        length = -length
                        facing = -facing
                    nx *= length
                    ny *= length
                    nz *= length
                    material = face_material[face]
                    first = material_texture[material]
                    r = float(material_color[material, 0])
                    g = float(material_color[material, 1])
                    b = float(material_color[material, 2])
                    if first >= 0:
                        tu = g0 * uvs[i, 0] + g1 * uvs[j, 0] + g2 * uvs[m, 0]
                        tv = g0 * uvs[i, 1] + g1 * uvs[j, 1] + g2 * uvs[m, 1]
                        footprint = density[face] * z * unfocal / max(-facing, 0.3)
                        if face < first_shell:
                            tr, tg, tb = texture(texels, first, 128, tu, 1.0 - tv, footprint)
                        else:
                            tr, tg, tb = texture(floor, first, 256, tu, 1.0 - tv, footprint)
                        if material_tint[material] > 0:
                            grey = (tr + tg + tb) * material_tint[material]
                            tr = min(0.4 + 0.6 * grey, 1.2)
                            tg = tr
                            tb = tr
                        r *= tr
                        g *= tg
                        b *= tb
                    gloss = float(material_gloss[material])
                    glow = float(material_glow[material])
                    if glow > 0:
                        red += tone[min(top, int(r * glow * factor))]
                        green += tone[min(top, int(g * glow * factor))]
                        blue += tone[min(top, int(b * glow * factor))]
                        continue
                    if planned:
                        room = face_room[face]
                        lamp_x = lamps[room, 0]
                        lamp_y = lamps[room, 1]
                        lamp_z = lamps[room, 2]
                        if face >= first_shell:
                            free *= edges(near_walls, near_x, near_y, near_scale, ceiling, px, py, pz, nx, ny, nz)
                else:
                    plane = (-1 - face) % 6
                    side = 1.0 if plane % 2 == 0 else -1.0
                    nx = side if plane < 2 else 0.0
                    ny = side if 2 <= plane < 4 else 0.0
                    nz = side if plane >= 4 else 0.0
                    if plane == 4:
                        footprint = 256.0 * unscaled * z * unfocal / max(-nx * rx - ny * ry - nz * rz, 0.2)
                        r, g, b = texture(floor, 0, 256, px * unscaled, py * unscaled, footprint)
                        gloss = floor_gloss
                    else:
                        row = 6 if face < -6 else plane
                        r = walls[row, 0]
                        g = walls[row, 1]
                        b = walls[row, 2]
                        if face < -6 and pz > skirting_height - 0.008:
                            free *= 0.75
                    # darken towards the room's edges
                    ex = max(min(px - bx0, bx1 - px), 0.0) if nx == 0.0 else 1e3
                    ey = max(min(py - by0, by1 - py), 0.0) if ny == 0.0 else 1e3
                    ez = max(min(pz - bz0, bz1 - pz), 0.0) if nz == 0.0 else 1e3
                    near = (0.16 + ex) * (0.16 + ey) * (0.16 + ez)
                    free *= (0.1152 + ex) * (0.1152 + ey) * (0.1152 + ez) / near
                # key light, from a point a little above the surface
                lit = 0.0
                shine = 0.0
                dot = -(nx * dx + ny * dy + nz * dz)
                if dot > 0:
                    qx = px + nx * 0.02 - ox
                    qy = py + ny * 0.02 - oy
                    qz = pz + nz * 0.02 - oz
                    lit = sunlit(
                        light_map,
                        (ux * qx + uy * qy + uz * qz) * scale + half,
                        (vx * qx + vy * qy + vz * qz) * scale + half,
                        100.012 - (dx * qx + dy * qy + dz * qz),
                    )
                    if gloss > 0 and lit > 0:
                        hx = -dx - rx
                        hy = -dy - ry
                        hz = -dz - rz
                        s = max(0.0, nx * hx + ny * hy + nz * hz)
                        s = s * s / (hx * hx + hy * hy + hz * hz + 1e-12)
                        s *= s
                        s *= s
                        s *= s
                        s *= s
                        shine = s * lit * gloss
                    lit *= dot
                # lamp under the ceiling
                lx = lamp_x - px
                ly = lamp_y - py
                lz = lamp_z - pz
                l2 = lx * lx + ly * ly + lz * lz
                far = np.sqrt(l2 + 1e-9)
                lamp = max(0.0, 0.85 * (nx * lx + ny * ly + nz * lz) + 0.15 * far) / (far * (0.6 + 0.18 * l2))
                down = 0.5 - 0.5 * nz
                sky = (1.0 - 0.28 * down) * free
                lamp *= free
                down *= free
                lit *= 0.6 + 0.4 * free
                r = r * (ambient_r * sky + bounce_r * down + lamp_r * lamp + sun_r * lit) + sun_r * shine
                g = g * (ambient_g * sky + bounce_g * down + lamp_g * lamp + sun_g * lit) + sun_g * shine
                b = b * (ambient_b * sky + bounce_b * down + lamp_b * lamp + sun_b * lit) + sun_b * shine
                red += tone[min(top, int(r * factor))]
                green += tone[min(top, int(g * factor))]
                blue += tone[min(top, int(b * factor))]
            rgb[y, x, 0] = (red + count // 2) // count
            rgb[y, x, 1] = (green + count // 2) // count
            rgb[y, x, 2] = (blue + count // 2) // count
