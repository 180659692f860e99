"""`python -m landfall`."""

import sys

from landfall import acting, looking
from landfall.cli import main

__all__ = ["acting", "looking"]  # they add their commands

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
