"""Emptying a directory that hostile programs have filled."""

from __future__ import annotations

import os


def empty(folder: str) -> None:
    """Remove all that is in a folder, whatever rights a program has taken from its parts and however deep they are.

    Folders in it are emptied into it, so that no path grows long and nothing recurses.
    """
    prefix, moved = f"{folder}/.{os.urandom(8).hex()}", 0  # a name that no program can have taken
    while names := os.listdir(folder):
        for name in names:
            path = f"{folder}/{name}"
            if os.path.islink(path) or not os.path.isdir(path):
                os.unlink(path)
                continue
            os.chmod(path, 0o700)
            for inner in os.listdir(path):
                moved += 1
                if os.path.isdir(f"{path}/{inner}") and not os.path.islink(f"{path}/{inner}"):
                    os.chmod(f"{path}/{inner}", 0o700)
                os.rename(f"{path}/{inner}", f"{prefix}-{moved}")
            os.rmdir(path)
