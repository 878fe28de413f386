"""Recompute answers from the stored scene, by other means than the families, to catch mistakes in either.

Shares no code with the families, only the `Scene` type and task names. What a family noted in `facts` is not read at
all: which objects are meant, and what is asked of them, comes from the words of the question. Where a family measures
with centroids this package uses boxes; polygons there are least squares here, trigonometry is linear algebra.
"""

from wherewise.questions.verify.case import ClearSight
from wherewise.questions.verify.geometry_check import check_scene
from wherewise.questions.verify.verdict import Disagreement, verify, verify_all

__all__ = ["ClearSight", "Disagreement", "check_scene", "verify", "verify_all"]
