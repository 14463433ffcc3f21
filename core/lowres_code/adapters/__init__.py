"""Adapters: the judge plugged into the tools with which people already train and evaluate; see docs/adapters.md.

A file for each tool. None is imported unless it is named, and only a tool's own file imports the tool.
"""
