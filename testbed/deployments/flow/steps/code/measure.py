"""One line for every file: its name and its length, which is `limit` at the most. A file that says `fail` fails."""

import sys
from pathlib import Path

data, limit, scores = sys.argv[1:]
for path in sorted(Path(data).iterdir()):
    if path.read_text() == "fail":
        raise SystemExit(f"{path.name} cannot be measured")
    length = min(path.stat().st_size, int(limit))
    (Path(scores) / f"{path.stem}.csv").write_text(f"{path.name},{length}\n")
