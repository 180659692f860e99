"""What all files have together, times the factor, and times the prices where there are some."""

import argparse
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("scores", type=Path)
parser.add_argument("summary", type=Path)
parser.add_argument("--batch")
parser.add_argument("--factor", type=float)
parser.add_argument("--loud")
parser.add_argument("--prices", type=Path)
parser.add_argument("--table", type=Path)
given = parser.parse_args()
lengths = [int(path.read_text().partition(",")[2]) for path in given.scores.iterdir()]
price = int(given.prices.read_text()) if given.prices else 1
if given.table:
    price *= int((given.table / "MLTable").read_text())
total = f"{given.batch} {len(lengths)} {sum(lengths) * price * given.factor:g}"
given.summary.write_text(f"{total.upper() if given.loud.lower() == 'true' else total}\n")
