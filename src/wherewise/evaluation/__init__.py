"""Measure a model on a benchmark by its official rule, with intervals, baselines and a protocol id."""
