"""Wines of a laboratory: a CSV file of measurements becomes a CSV file of cultivars, with a header."""
