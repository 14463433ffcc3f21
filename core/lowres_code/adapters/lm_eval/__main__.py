"""Prints the folder of the task file, for ``--include_path``."""

from pathlib import Path

print(Path(__file__).parent)
