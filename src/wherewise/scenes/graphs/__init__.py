"""Scenes from annotated pictures: Visual Genome, VG150, CLEVR and NLVR."""

from wherewise.scenes.graphs.clevr import clevr_scene
from wherewise.scenes.graphs.flat import FlatObject, flat_scene
from wherewise.scenes.graphs.nlvr import nlvr_scene
from wherewise.scenes.graphs.predicates import canonical
from wherewise.scenes.graphs.source import GraphFiles, GraphFormat, Graphs
from wherewise.scenes.graphs.vg150 import vg150_scene
from wherewise.scenes.graphs.visual_genome import visual_genome

__all__ = [
    "FlatObject",
    "GraphFiles",
    "GraphFormat",
    "Graphs",
    "canonical",
    "clevr_scene",
    "flat_scene",
    "nlvr_scene",
    "vg150_scene",
    "visual_genome",
]
