"""Recipes for Prolog; data only."""
