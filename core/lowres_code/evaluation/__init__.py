"""Measuring a model, and judging completions that somebody already has."""
