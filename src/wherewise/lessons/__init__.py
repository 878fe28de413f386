"""Lessons of children's shows: a character asks, waits, and answers. Question, pause and answer become samples.

The layout is that of DORA ("Structured Over Scale", arXiv 2601.23251): labels or subtitles say where questions, pauses
and answers are; the model sees frames and transcript from before the answer, never after.
"""
