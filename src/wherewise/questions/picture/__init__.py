"""Families about one picture."""
