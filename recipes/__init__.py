"""Shareable recipes; data only."""
