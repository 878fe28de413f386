"""Families that compare views: several pictures, or moments of a clip."""
