"""Dataset formats that others publish or train from, read into `Sample` and written back.

What a format holds besides is carried along (``facts["carried"]``): a file that was read and is written again is the
same file, row by row. What it cannot hold is counted and said.
"""

from wherewise.formats.defects import Defect, DefectReport
from wherewise.formats.files import Loss, read_format, write_format
from wherewise.formats.registry import FORMATS
from wherewise.formats.rows import RowFormat

__all__ = ["FORMATS", "Defect", "DefectReport", "Loss", "RowFormat", "read_format", "write_format"]
