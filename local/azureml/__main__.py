"""`python -m local.azureml`: the Azure ML part alone."""

import argparse
import sys

from local.azureml.cli import DESCRIPTION, add_arguments, run

parser = argparse.ArgumentParser(prog="python -m local.azureml", description=DESCRIPTION)
add_arguments(parser)
sys.exit(run(parser.parse_args()))
