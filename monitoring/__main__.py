"""`python -m monitoring`: write what is made of the questions."""

from __future__ import annotations

from monitoring.made import write

write()
