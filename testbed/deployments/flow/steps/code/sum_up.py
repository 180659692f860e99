"""What all files have together, times the price where there is one."""

import sys
from pathlib import Path

scores, batch, summary, *prices = sys.argv[1:]
lengths = [int(path.read_text().partition(",")[2]) for path in Path(scores).iterdir()]
price = int(Path(prices[0]).read_text()) if prices else 1
Path(summary).write_text(f"{batch} {len(lengths)} {sum(lengths) * price}\n")
