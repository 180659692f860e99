"""Pumps of a water works: readings become risks in two steps; a number says from which risk on there is an alarm."""
