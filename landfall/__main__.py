"""`python -m landfall`."""

import sys

from landfall.commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
