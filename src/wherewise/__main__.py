"""``python -m wherewise`` is the ``wherewise`` command."""

from __future__ import annotations

from wherewise.cli.main import main

if __name__ == "__main__":
    main()
