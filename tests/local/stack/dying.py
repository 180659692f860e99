"""A part that is ready and then ends, as often as it is started."""

from local.serving import announce

announce()
raise SystemExit(3)
