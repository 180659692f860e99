"""The doing: each function carries out one step of a plan through the ports it is given, and returns plain values."""
