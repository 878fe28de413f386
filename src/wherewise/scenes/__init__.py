"""Scenes with exact geometry, and the sources they come from."""

from wherewise.samples.evidence import Relation
from wherewise.scenes.scene import Camera, Door, Pose, Room, Scene, SceneObject, View, Visibility

__all__ = ["Camera", "Door", "Pose", "Relation", "Room", "Scene", "SceneObject", "View", "Visibility"]
