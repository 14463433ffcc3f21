"""Declarative languages: a backend in one TOML file.

Every key has its meaning here; keys that are not here are refused, and all that is wrong is said at once.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from lowres_code._util.toml_errors import Tree, read_toml, validation_errors
from lowres_code.appended import AppendStyle
from lowres_code.errors import UsageError, near_match
from lowres_code.language.base import LIMIT_BOUNDS, NAME, SUFFIX, Example, SelfTest, Status
from lowres_code.language.command import CommandLanguage
from lowres_code.language.snippets import SNIPPETS


def _words(value: object) -> object:
    """A command line as a shell would take it apart; a list is taken as it is."""
    return tuple(shlex.split(value)) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]  # the system's own strings end at the first NUL
Command = Annotated[tuple[Text, ...], BeforeValidator(_words)]
Strings = Annotated[tuple[Text, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]


class Table(BaseModel):
    """A table of a language file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _need(name: str) -> Any:
    least, most = LIMIT_BOUNDS[name]
    return Field(default=None, ge=max(1, least), le=most)


class NeedsTable(Table):
    """``[limits]``: the least that the language's own tools need; see `lowres_code.language.base.Limits`."""

    cpu_s: int | None = _need("cpu_s")
    memory_mb: int | None = _need("memory_mb")
    reserve_mb: int | None = _need("reserve_mb")
    file_kb: int | None = _need("file_kb")
    processes: int | None = _need("processes")


class ExampleTable(Table):
    """``[[examples]]``: a worked example for the prompt."""

    question: str
    reasoning: str
    program: str
    answer: str


class SelfTestTable(Table):
    """``[[self_tests]]``: a program whose end is known; ``answer`` only where the status is ``ok``."""

    program: str
    status: Status = Field(default=Status.OK, strict=False)
    answer: str | None = None


class AppendTable(Table):
    """``[append]``: how tests that are code are put behind a program; see `lowres_code.appended.AppendStyle`."""

    success: str
    checks: dict[str, str] = Field(min_length=1)
    definition: str = ""
    first: Annotated[str, Field(pattern=r"^[^\n]*$")] = ""
    header: str = ""
    before_tests: str = ""
    replace: dict[str, str] = {}

    @field_validator("success")
    @classmethod
    def _success_is_told(cls, code: str) -> str:
        if "{secret}" not in code:
            raise ValueError("must print {secret}")
        return code

    @field_validator("checks")
    @classmethod
    def _checks_compare(cls, checks: dict[str, str]) -> dict[str, str]:
        for begin, check in checks.items():
            if "{one}" not in check or "{other}" not in check:
                raise ValueError(f"{begin!r} must check that {{one}} is {{other}}, which it never is")
        return checks

    @field_validator("definition")
    @classmethod
    def _definition_names(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        if pattern and groups != 1:
            raise ValueError(f"has {groups} groups; one of them must be the name")
        return pattern


def readers(names: object) -> object:
    """What ``reader`` holds as a list; a text stands for a list of it alone, an empty one for none."""
    return ([names] if names else []) if isinstance(names, str) else names


Reader = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*reader[A-Za-z0-9._-]*$")]
Readers = Annotated[tuple[Reader, ...], Field(strict=False), BeforeValidator(readers)]
_READERS: TypeAdapter[tuple[str, ...]] = TypeAdapter(Readers)


class AnalysisTable(Table):
    """``[analysis]``: how a program is read without being run; see `lowres_code.language.command.CommandLanguage`."""

    run: Command = Field(min_length=1)
    reader: Readers = ()  # files beside this one; the first is {reader}

    @field_validator("run")
    @classmethod
    def _program_is_read(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if not any("{file}" in word for word in command):
            raise ValueError("has no {file} in it, and so reads no program")
        return command

    @model_validator(mode="after")
    def _reader_is_used(self) -> AnalysisTable:
        if bool(self.reader) != any("{reader}" in word for word in self.run):
            raise ValueError("needs both {reader} in run and reader, files beside this one, or neither")
        return self


class LanguageTable(Table):
    """The whole file.

    ``{file}`` in a command stands for the program's file, ``{stem}`` for the same without its suffix; commands run in
    the scratch directory. Only ``name``, ``suffix`` and ``run`` are needed.
    """

    name: str = Field(pattern=f"^{NAME}$")
    title: str | None = None  # as prompts say it; by default the name, capitalised
    suffix: str = Field(pattern=f"^{SUFFIX}$")
    stem: str = Field(default="program", pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")
    fences: Strings | None = None  # tags of fenced code blocks; by default the name, and the suffix without its dot
    run: Command = Field(min_length=1)
    check: Command = ()
    compile: Command = ()
    install: str = ""
    guidance: str = "The answer is what the program prints on standard output; print nothing else."
    compare: Literal["answer", "text"] = "answer"  # by values and words, or the printed text as it is
    reads: Strings = ()  # files and folders beside the system's own that the tools must be able to read
    environment: dict[Variable, Text] = {}
    limits: NeedsTable = NeedsTable()
    examples: tuple[ExampleTable, ...] = Field(default=(), strict=False)
    append: AppendTable | None = None
    analysis: AnalysisTable | None = None
    self_tests: tuple[SelfTestTable, ...] = Field(default=(), strict=False)
    snippets: dict[str, str] = {}  # see `lowres_code.language.snippets`


def load_language(path: Path) -> CommandLanguage:
    """The language in a TOML file.

    Raises:
        UsageError: with everything that is wrong, a line each.
    """
    tree = read_toml(path, "language")
    table, problems = None, _problems(tree)
    try:
        table = LanguageTable.model_validate(tree)
    except ValidationError as error:
        problems = validation_errors(error, LanguageTable) + problems
    if table is None or problems:
        raise UsageError("\n  ".join([f"{path} is not a valid language:", *problems]))
    return _language(table, _reader(table, path))


def files_beside(path: Path) -> list[Path]:
    """The files beside a language's TOML file that belong to it.

    Raises:
        UsageError: it cannot be read, or names what is no file beside it.
    """
    try:
        names = _READERS.validate_python(read_toml(path, "language").get("analysis", {}).get("reader", ()))
    except (ValidationError, AttributeError) as error:
        raise UsageError(f"{path}: analysis.reader must name files beside it") from error
    return [path.with_name(name) for name in names]


def _reader(table: LanguageTable, path: Path) -> dict[str, str]:
    """The texts of the reader's files, by their names.

    Raises:
        UsageError: one cannot be read.
    """
    names = table.analysis.reader if table.analysis else ()
    return {name: _text_of(path.with_name(name), path) for name in names}


def _text_of(file: Path, path: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: analysis.reader: {str(file)!r} cannot be read: {reason}") from error


def _problems(tree: Tree) -> list[str]:
    """What types do not tell."""
    names, paths = tree.get("snippets"), tree.get("reads")
    unknown = [name for name in names if name not in SNIPPETS] if isinstance(names, dict) else []
    texts = [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []
    relative = [path for path in texts if not Path(path).is_absolute()]
    too_much = [path for path in texts if _opens_too_much(path)]
    return [
        *(f"snippets.{name}: unknown key; {near_match(name, SNIPPETS)}" for name in unknown),
        *_command_problems(tree),
        *(f"reads: {path!r} is no absolute path" for path in relative),
        *(f"reads: {path!r} would open more to programs than a language's tools" for path in too_much),
    ]


PLACES = ("{file}", "{stem}")
_SHELLS = {"|", "||", "&&", ";", "<", ">", ">>", "2>", "2>&1", "&"}


def _command_problems(tree: Tree) -> list[str]:
    """Commands that have nothing to do with the program, or speak of it by a name that is not known."""
    texts = [str(tree.get(name, "")) for name in ("run", "compile", "check")]
    likely = re.findall(r"\{[a-z]+\}", " ".join(texts))
    near = [(word, difflib.get_close_matches(word, PLACES, cutoff=0.7)) for word in likely if word not in PLACES]
    problems = [f"commands: {word} is not known; did you mean {match[0]}?" for word, match in near if match]
    problems += [
        f'{name}: {word!r} is a shell\'s, and there is none; put the line into ["sh", "-c", \'...\']'
        for name in ("run", "compile", "check")
        for word in _SHELLS.intersection(str(tree.get(name, "")).split() if isinstance(tree.get(name), str) else ())
    ]
    known = (*PLACES, str(tree.get("stem", "program")))
    if texts[0] and not problems and not any(word in texts[0] + texts[1] for word in known):
        problems.append(f"run: has no {{file}} in it, and so does nothing with the program: {tree['run']!r}")
    return problems


def _opens_too_much(name: str) -> bool:
    """Whether the user's home is in it, or it is one of the kernel's own folders or the place of running services."""
    try:
        path = Path(name).resolve()
        kernel = any(path.is_relative_to(folder) for folder in ("/proc", "/sys", "/dev", "/run"))
        return kernel or Path.home().is_relative_to(path) or path.is_socket()
    except (OSError, ValueError, RuntimeError):  # too long, with a NUL in it, links in a circle: it opens nothing
        return False


def _fences(table: LanguageTable) -> tuple[str, ...]:
    tags = (table.name, table.suffix.removeprefix(".")) if table.fences is None else table.fences
    return tuple(dict.fromkeys(tag.lower() for tag in tags))


def _language(table: LanguageTable, reader: Mapping[str, str]) -> CommandLanguage:
    return CommandLanguage(
        name=table.name,
        title=table.title or table.name.capitalize(),
        suffix=table.suffix,
        stem=table.stem,
        fences=_fences(table),
        run=table.run,
        check=table.check,
        compile=table.compile,
        install=table.install,
        guidance=table.guidance,
        exact=table.compare == "text",
        reads=table.reads,
        variables=table.environment,
        needs=table.limits.model_dump(exclude_none=True),
        examples=tuple(Example(**example.model_dump()) for example in table.examples),
        analysis=table.analysis.run if table.analysis else (),
        reader=reader,
        append=AppendStyle(**table.append.model_dump()) if table.append else None,
        self_tests=tuple(SelfTest(test.program, test.status, test.answer) for test in table.self_tests),
        snippets=table.snippets,
    )
