"""`python -m landfall`."""

import os
import sys

from landfall import acting, looking
from landfall.cli import main

__all__ = ["acting", "looking"]  # they add their commands

if __name__ == "__main__":
    try:
        try:
            sys.exit(main(sys.argv[1:]))
        finally:
            sys.stdout.flush()  # now, and not when nobody catches it any more
    except BrokenPipeError:  # of `head`, say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
