"""The same data and the same rewards inside another training engine: folders that verl and ms-swift run as they are.

No engine is imported here, and nothing here needs torch: their environments cannot hold each other.
"""
