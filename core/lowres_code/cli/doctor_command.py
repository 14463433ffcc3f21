"""``lowres-code doctor``."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click
from rich.table import Table

from lowres_code.cli.options import console, json_option, print_json
from lowres_code.plugins.manager import plugin_manager
from lowres_code.runs.versions import versions
from lowres_code.sandbox.isolation import AUTO, ISOLATIONS, availability


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    works: bool
    detail: str
    fix: str = ""


@click.command("doctor")
@json_option
def command(as_json: bool) -> None:
    """Say what works on this machine, and the one line that fixes what does not.

    Exit code 0 if programs can be judged in isolation, some language can run, and no plugin has failed, else 1.
    """
    isolation, languages, installed = _isolation(), _languages(), [*_plugins(), *_packages()]
    findings = [*isolation, *languages, *installed, _gpu()]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        table = Table("", "what", "found", "to fix it")
        for finding in findings:
            table.add_row("ok" if finding.works else "--", finding.what, finding.detail, finding.fix)
        console().print(table)
    isolated = any(availability(isolation).works for isolation in AUTO)
    some = any(finding.works for finding in languages)
    if not (isolated and some and all(finding.works for finding in installed)):
        raise SystemExit(1)


def _isolation() -> list[Finding]:
    meanings = {
        "namespaces": "no network, no files, no other processes",
        "landlock": "no network, no files; for containers where namespaces are refused",
        "limits": "CPU and memory only; must be asked for by name",
    }
    if not availability("landlock", may_fork=True).works:
        meanings["landlock"] += "; of root, only for languages that stay warm"
    found = [availability(isolation) for isolation in ISOLATIONS]
    return [
        Finding(f"isolation {a.isolation}", a.works, a.reason or meanings[a.isolation], "" if a.works else a.fix)
        for a in found
    ]


def _languages() -> list[Finding]:
    findings = []
    for name, registered in plugin_manager().languages.items():
        missing = registered.thing.missing()
        detail = f"{missing.what} is not installed" if missing else registered.origin
        findings.append(Finding(f"language {name}", missing is None, detail, missing.install if missing else ""))
    return findings


def _plugins() -> list[Finding]:
    plugin_manager().collect()
    return [Finding(f"plugin {failure.plugin}", False, failure.error) for failure in plugin_manager().failures]


def _packages() -> list[Finding]:
    return [
        Finding(name, True, version) if version else Finding(name, False, "not installed", f"pip install {name}")
        for name, version in versions().items()
    ]


def _gpu() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("GPU", True, torch.cuda.get_device_name())
    return Finding("GPU", False, "none; recipe quickstart needs none")
