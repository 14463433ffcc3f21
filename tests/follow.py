"""Following a page as a reader does: files are saved, commands are run, and must print what is shown."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

BLOCK = re.compile(r"(?:^|\n)(?P<before>[^\n]*)\n\n```(?P<kind>\w+)\n(?P<text>.*?)(?=\n```)", re.DOTALL)
INLINE = re.compile(r"`(lowres-code [^`]* --[^`]*)`")
SAVE = re.compile(r"(?P<how>Save this as|Add this to) `(?P<path>[^`]+)`:$")


def follow(page: Path, folder: Path, path: str) -> int:
    """Do what a page says; how many commands it had."""
    count = 0
    for block in BLOCK.finditer(page.read_text()):
        if saved := SAVE.search(block["before"]):
            file = folder / saved["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("w" if saved["how"] == "Save this as" else "a") as opened:
                opened.write(block["text"] + "\n")
        elif block["kind"] == "console":
            count += do(block["text"] + "\n", folder, path)
    return count


def do(text: str, folder: Path, path: str) -> int:
    """Run the commands of a text, lines that begin with ``$``; how many they were."""
    commands = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*(?:\n|$))*)", text, re.MULTILINE)
    for command, shown in commands:
        run(command, shown, folder, path)
    return len(commands)


def run(command: str, shown: str, folder: Path, path: str) -> None:
    """Lines must come in the order in which they are shown; ``...`` stands for anything."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    printed = re.sub(" +", " ", done.stdout + done.stderr)
    assert done.returncode == 0, f"{command}\n{printed}"
    rest = printed.splitlines()
    for line in filter(lambda line: line != "...", shown.splitlines()):
        wanted = re.compile(re.escape(re.sub(" +", " ", line)).replace(re.escape("..."), ".*") + " ?")
        place = next((number for number, said in enumerate(rest) if wanted.fullmatch(said)), None)
        assert place is not None, f"{command}\n{printed}\n--- does not print (in this order): {line}"
        rest = rest[place + 1 :]
