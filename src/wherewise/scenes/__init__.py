"""Scenes with exact geometry, and the sources they come from."""

from wherewise.scenes.scene import Camera, Scene, SceneObject, View, Visibility

__all__ = ["Camera", "Scene", "SceneObject", "View", "Visibility"]
