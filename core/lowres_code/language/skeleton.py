"""What ``lang new`` writes: the beginning of a language, as one TOML file or as a package."""

from __future__ import annotations

import json
import shlex
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import tomli_w

from lowres_code._util.files import write_atomically
from lowres_code.errors import UsageError
from lowres_code.language.snippets import SNIPPETS


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is known of a language before anything is written; the rest is guessed from its name.

    Raises:
        UsageError: ``run`` is no command, or does not say where the program's file goes.
    """

    name: str
    run: str = ""
    suffix: str = ""
    hello: str = ""

    def __post_init__(self) -> None:
        if self.run and "{file}" not in self.run:
            raise UsageError(
                f"--run must say where the program's file goes, as in '{self.run} {{file}}', and not {self.run!r}"
            )
        try:
            shlex.split(self.run)
        except ValueError as error:
            raise UsageError(f"--run {self.run!r}: {error}") from error

    @property
    def title(self) -> str:
        """As prompts say it."""
        return self.name.capitalize()

    @property
    def module(self) -> str:
        """The name of a Python module for it."""
        return f"lowres_{_letters(self.name, '_')}"

    def keys(self) -> dict[str, str]:
        """The keys that every language file has."""
        return {
            "name": self.name,
            "title": self.title,
            "suffix": self.suffix or f".{_letters(self.name, '')}",
            "run": self.run or f"{self.name} {{file}}",
            "guidance": "The answer is what the program prints on standard output; print nothing else.",
        }

    def hello_program(self) -> str:
        """The program that answers hello."""
        return self.hello or 'print("hello")'


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Files by their paths, and what to do with them next."""

    files: dict[Path, str] = field(default_factory=dict)
    next_steps: tuple[str, ...] = ()

    def write(self) -> None:
        """Write the files.

        Raises:
            UsageError: one of them is there already, or cannot be written; nothing is overwritten.
        """
        for path in self.files:
            if path.exists():
                raise UsageError(f"{str(path)!r} is there already; it stays as it is")
        try:
            for path, text in self.files.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, text)
        except OSError as error:
            raise UsageError(f"cannot write {str(error.filename)!r}: {error.strerror}") from error


def _letters(name: str, instead: str) -> str:
    """A name with everything replaced that is no letter and no digit."""
    return "".join(letter if letter.isalnum() else instead for letter in name)


def _literal(text: str) -> str:
    """Text as Python writes it, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def language_file(begun: Beginning, folder: Path) -> Skeleton:
    """One TOML file, ``NAME.toml``."""
    path = folder / f"{begun.name}.toml"
    shown = path if path.is_absolute() else f"./{path}"
    steps = (
        f"put the right commands and a right hello into {shown}",
        f"lowres-code lang verify {shown}",
        f"lowres-code run PROGRAM --lang {shown} --expect ANSWER; docs/add-a-language.md goes on from there",
    )
    others = "\n".join(f"# {name} = '...'  # {meaning}" for name, meaning in SNIPPETS.items() if name != "hello")
    text = "\n".join(
        (
            tomli_w.dumps(begun.keys()) + '# check = "..."    # finds syntax errors without running anything',
            '# compile = "..."  # makes what run runs',
            '# install = "..."  # what people are told whose machine lacks the tools, as in sudo apt-get install mawk',
            "",
            "[snippets]  # by which lang verify tries the language; hello is needed, the others make it sure",
            tomli_w.dumps({"hello": begun.hello_program()}) + others,
            "",
        )
    )
    return Skeleton({path: text}, steps)


def package(begun: Beginning, folder: Path) -> Skeleton:
    """A package, ``lowres-code-NAME``: pyproject.toml, a module, and a test of its conformance."""
    root = folder / f"lowres-code-{_letters(begun.name, '-').strip('-')}"
    words = "".join(f"{_literal(word)}, " for word in shlex.split(begun.keys()["run"])).rstrip()
    fields = {name: _literal(value) for name, value in begun.keys().items() if name != "name"}
    fields |= {"install": _literal(""), "name": begun.name, "project": root.name, "module": begun.module, "run": words}
    fields["hello"] = _literal(begun.hello_program())
    files = {
        root / "pyproject.toml": _PYPROJECT,
        root / f"{begun.module}.py": _MODULE,
        root / "tests" / f"test_{begun.module}.py": _TEST,
    }
    steps = (
        f"put the right commands and a right hello into {root / begun.module}.py",
        f"pip install -e {root} pytest",
        f"pytest {root}",
        f"lowres-code lang verify {begun.name}",
    )
    return Skeleton({path: text.format(**fields) for path, text in files.items()}, steps)


_PYPROJECT = textwrap.dedent("""\
    [build-system]
    requires = ["setuptools>=61"]
    build-backend = "setuptools.build_meta"

    [project]
    name = "{project}"
    version = "0.1.0"
    description = "A language for lowres-code."
    dependencies = ["lowres-code"]

    [project.entry-points.lowres_code]
    {module} = "{module}"

    [tool.setuptools]
    py-modules = ["{module}"]
    """)

_MODULE = textwrap.dedent('''\
    """A language for lowres-code."""

    from lowres_code import CommandLanguage, hookimpl

    LANGUAGE = CommandLanguage(
        name="{name}",
        title={title},
        suffix={suffix},
        fences=("{name}",),
        run=({run}),
        install={install},
        guidance={guidance},
        snippets={{"hello": {hello}}},
    )


    @hookimpl
    def register_languages(register):
        """Make it known."""
        register(LANGUAGE)
    ''')

_TEST = textwrap.dedent("""\
    from lowres_code import assert_conforms
    from {module} import LANGUAGE


    def test_it_conforms():
        assert_conforms(LANGUAGE)
    """)
