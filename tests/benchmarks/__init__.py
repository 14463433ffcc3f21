"""Measurements; each module prints the table that docs/results.md quotes."""
