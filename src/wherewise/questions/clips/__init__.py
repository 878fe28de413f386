"""Families about what happens in a clip."""
