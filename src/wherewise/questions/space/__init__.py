"""Families about the room itself, from one picture, several, a clip or a scan."""
