"""The logger of a scoring script: `EntryScript().logger`.

Source: Azure docs, how-to-debug-parallel-run-step, "A sample entry script using the logger".
"""

from __future__ import annotations

import logging


class EntryScript:
    """Its lines are in the log of the process, with the script's own."""

    def __init__(self) -> None:
        self.logger = logging.getLogger("EntryScript")
        if not self.logger.handlers:
            handler = logging.StreamHandler()
            handler.setFormatter(logging.Formatter("%(asctime)s|%(levelname)s|%(name)s|%(message)s"))
            self.logger.addHandler(handler)
            self.logger.setLevel(logging.INFO)
            self.logger.propagate = False
