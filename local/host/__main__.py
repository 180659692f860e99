"""`python -m local.host`: see cli.py."""

import argparse
import sys

from local.host import cli

parser = argparse.ArgumentParser(prog="python -m local.host", description=cli.__doc__)
cli.add_arguments(parser)
sys.exit(cli.run(parser.parse_args()))
