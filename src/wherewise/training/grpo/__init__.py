"""GRPO: draw, judge, compare, learn. `phase` is the way through; everything it calls is a small file of its own."""
