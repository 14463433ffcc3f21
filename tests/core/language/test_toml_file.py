"""A language in one TOML file: what it may say, where it may stand, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from lowres_code.errors import UsageError
from lowres_code.language.base import Example, Limits, SelfTest, Status
from lowres_code.language.command import CommandLanguage
from lowres_code.language.toml_file import files_beside, load_language
from lowres_code.plugins.manager import FOLDERS, PluginManager, find_language

from tests.conftest import Cli

SMALL = 'name = "sh"\nsuffix = ".sh"\nrun = "sh {file}"\n'
FULL = """
name = "sh"
title = "Shell"
suffix = ".sh"
stem = "main"
fences = ["sh", "bash"]
run = "sh {file}"
check = ["sh", "-n", "{file}"]
install = "sudo apt-get install dash"
guidance = "Print the answer."
compare = "text"
reads = ["/etc/hostname"]
environment = { GREETING = "hello there" }

[limits]
memory_mb = 1024
file_kb = 4096

[[examples]]
question = "2 + 2?"
reasoning = "Add."
program = "echo $((2 + 2))"
answer = "4"

[[self_tests]]
program = "echo $GREETING"
answer = "hello there"

[[self_tests]]
program = "if then"
status = "syntax_error"

[snippets]
hello = "echo hello"
"""


def load(tmp_path: Path, text: str) -> CommandLanguage:
    path = tmp_path / "language.toml"
    path.write_text(text)
    return load_language(path)


def test_three_keys_are_enough(tmp_path: Path) -> None:
    language = load(tmp_path, SMALL)
    assert (language.name, language.title, language.fences, language.run) == ("sh", "Sh", ("sh",), ("sh", "{file}"))
    assert language.compare("42", "42.0")
    pascal = load(tmp_path, 'name = "pascal"\nsuffix = ".PAS"\nrun = "instantfpc {file}"\n')
    assert pascal.fences == ("pascal", "pas")


def test_every_key_has_its_effect(tmp_path: Path) -> None:
    language = load(tmp_path, FULL)
    assert language.fences == ("sh", "bash")
    assert language.check == ("sh", "-n", "{file}")
    assert language.examples == (Example("2 + 2?", "Add.", "echo $((2 + 2))", "4"),)
    assert language.self_tests[1] == SelfTest("if then", Status.SYNTAX_ERROR)
    assert language.read_only_paths() == (Path("/etc/hostname"),)
    assert (dict(language.variables), dict(language.environment())) == ({"GREETING": "hello there"}, {})
    assert language.compare("a\r\n", "a")
    assert not language.compare("42", "42.0") and not language.compare(" a", "a")
    raised = Limits(memory_mb=512, file_kb=8192).at_least(language.needs)
    assert (raised.memory_mb, raised.file_kb) == (1024, 8192)


def test_all_mistakes_are_told_at_once_with_the_nearest_right_key(tmp_path: Path) -> None:
    text = (
        'name = "Shell"\nsufix = ".sh"\nrun = 3\nreads = ["etc"]\n[limits]\nmemory = 3\n[[examples]]\nquestion = "?"\n'
    )
    with pytest.raises(UsageError) as told:
        load(tmp_path, text)
    for message in (
        "language.toml is not a valid language:",
        "name: must match ^[a-z]",
        "suffix: missing",
        "sufix: unknown key; did you mean 'suffix'?",
        "run: ",
        "limits.memory: unknown key; did you mean 'memory_mb'?",
        "examples.0.program: missing",
    ):
        assert message in str(told.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'{SMALL}reads = ["etc"]\n[snippets]\nhallo = "x"\n', "snippets.hallo: unknown key; did you mean 'hello'?"),
        (f'{SMALL}reads = ["etc"]\n', "reads: 'etc' is no absolute path"),
        (SMALL.replace("{file}", "{flie}"), "commands: {flie} is not known; did you mean {file}?"),
        (SMALL.replace("{file}", "x"), "run: has no {file} in it, and so does nothing with the program"),
        (f'{SMALL}reads = ["/"]\n', "reads: '/' would open more to programs than a language's tools"),
        (f'{SMALL}reads = ["/usr/../proc/1"]\n', "reads: '/usr/../proc/1' would open more"),
        (
            f'{SMALL}[[self_tests]]\nprogram = "x"\nstatus = "fine"\n',
            "self_tests.0.status: must be 'ok', 'syntax_error', ",
        ),
        (
            f'{SMALL}fences = "sh"\nexamples = 3\n',
            "fences: must be a list, got 'sh'\n  examples: must be a list, got 3",
        ),
        (f"{SMALL}[limits]\ncpu_s = 0\n", "limits.cpu_s: must be at least 1, got 0"),
        (
            f"{SMALL}[append]\nsuccess = 'echo'\nchecks = {{ a = '{{one}} {{other}}' }}\n",
            "append.success: must print {secret}",
        ),
        (
            f"{SMALL}[append]\nsuccess = '{{secret}}'\nchecks = {{ a = 'b' }}\n",
            "append.checks: 'a' must check that {one} is",
        ),
        (f"{SMALL}[append]\nsuccess = '{{secret}}'\nchecks = {{}}\n", "append.checks: must not be empty"),
        (f"{SMALL}[append]\nfirst = 'a\\nb'\ndefinition = '('\n", "append.definition: not a regular expression"),
        (f'{SMALL}[append]\nfirst = "a\\nb"\n', "append.first: must match"),
        (f'{SMALL}[[self_tests]]\nprogramm = "x"\n', "programm: unknown key; did you mean 'program'?"),
        (SMALL.replace("{file}", "{file} | cat"), "run: '|' is a shell's, and there is none"),
        (f'{SMALL}reads = ["/a\\u0000b"]\n', "reads.0: must match"),
        (f'{SMALL}reads = ["/{"x" * 5000}"]\nfences = 1\n', "fences: must be a list"),
        (f'{SMALL}environment = {{"A=B" = "x"}}\n', "environment.A=B"),
        (f'{SMALL}environment = {{A = "\\u0000"}}\n', "environment.A: must match"),
        (f"{SMALL}[limits]\nmemory_mb = {10**15}\n", "limits.memory_mb: must be at most"),
        (f'{SMALL}stem = "{"x" * 300}"\n', "stem: must match"),
        (f"x = {'[' * 3000}{']' * 3000}\n", "cannot read language"),
        (f"x = {'9' * 5000}\n", "cannot read language"),
        ("name = ", "not TOML"),
    ],
)
def test_other_mistakes(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told:
        load(tmp_path, text)
    assert message in str(told.value)


def test_a_path_that_cannot_be_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    language = load(tmp_path, f'{SMALL}reads = ["/{"x" * 5000}", "{tmp_path / "circle"}"]\n')
    assert language.read_only_paths() == ()


def test_a_file_is_found_by_path_and_by_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sh.toml").write_text(SMALL)
    (tmp_path / "broken.toml").write_text("nonsense")
    by_path = find_language(str(tmp_path / "sh.toml"))
    assert (by_path.thing.name, by_path.thing.file) == ("sh", tmp_path / "sh.toml")
    monkeypatch.setenv(FOLDERS, f"{tmp_path}:{tmp_path / 'nowhere'}")
    manager = PluginManager()
    assert manager.languages["sh"].origin == str(tmp_path)
    assert {Path(failure.plugin).name for failure in manager.failures} == {"broken.toml", "nowhere"}
    with pytest.raises(UsageError, match="there is no language 'pyton'; did you mean 'python'"):
        find_language("pyton")


def test_a_file_that_cannot_be_taken_is_never_replaced_silently(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "lua.toml").write_text(SMALL.replace('"sh"', '"lua"', 1))
    (tmp_path / "zzz.toml").write_text(SMALL.replace("suffix", "sufix"))
    for name, message in (("lua", "'lua' is registered already (built in)"), ("zzz", "did you mean 'suffix'?")):
        done = cli("run", "-", "--lang", name, stdin="echo 42", **{FOLDERS: str(tmp_path)})
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr


def test_a_program_runs_by_it(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "sh.toml").write_text(FULL)
    done = cli("run", "-", "--lang", tmp_path / "sh.toml", "--json", stdin="echo $GREETING; cat /etc/hostname >&2; ls")
    result = json.loads(done.stdout)
    assert (result["lang"], result["status"], result["answer"]) == ("sh", "ok", "hello there\nmain.sh\n"), done.stderr
    assert result["stderr"] == Path("/etc/hostname").read_text()


def test_a_run_keeps_its_language_and_goes_on_with_it(
    tmp_path: Path, tiny_model: Path, invoke: Callable[..., Result]
) -> None:
    file = tmp_path / "sh.toml"
    file.write_text(SMALL)
    small = [
        f"model.name={tiny_model}",
        "data.train.size=16",
        "data.eval.size=2",
        "eval.samples=1",
        "train.max_steps=1",
    ]
    small += ["train.per_device_train_batch_size=4", "train.num_generations=2", "train.max_completion_length=8"]
    small += ["eval.max_new_tokens=8", "train.max_steps=1"]
    settings = [word for value in small for word in ("--set", value)]
    run = tmp_path / "run"
    done = invoke("train", "--lang", file, "--out", run, *settings)
    assert done.exit_code == 0, done.output
    assert (run / "language.toml").read_text() == SMALL
    file.unlink()
    shutil.rmtree(run / "model")
    shutil.rmtree(run / "eval" / "trained")
    other = tmp_path / "other.toml"
    other.write_text(SMALL.replace("sh {file}", "true"))
    refused = invoke("train", "--resume", run, "--lang", other)
    assert (refused.exit_code, "is of language 'sh'" in refused.output) == (2, True)
    again = invoke("train", "--resume", run)
    assert again.exit_code == 0, again.output
    assert (run / "eval" / "trained" / "summary.json").is_file()


def test_a_new_language_is_begun(tmp_path: Path, invoke: Callable[..., Result]) -> None:
    hello = 'BEGIN { print "hello" }'
    begun = ("lang", "new", "awk", "--run", "awk -f {file}", "--suffix", ".awk", "--hello", hello)
    done = invoke(*begun, cwd=tmp_path)
    assert (done.exit_code, done.output.splitlines()[0]) == (0, "wrote awk.toml"), done.output
    assert "2. lowres-code lang verify ./awk.toml" in done.output
    language = load_language(tmp_path / "awk.toml")
    assert (language.run, language.snippets) == (("awk", "-f", "{file}"), {"hello": hello})
    again = invoke(*begun, cwd=tmp_path)
    assert again.exit_code == 2
    assert "'awk.toml' is there already; it stays as it is" in again.output
    assert "there is a language 'lua' already" in invoke("lang", "new", "lua", cwd=tmp_path).output
    assert invoke("lang", "new", "my-lisp", cwd=tmp_path).exit_code == 0
    assert load_language(tmp_path / "my-lisp.toml").suffix == ".mylisp"
    assert "not 'awk'" in invoke("lang", "new", "awk2", "--suffix", "awk", cwd=tmp_path).output
    assert "No closing quotation" in invoke("lang", "new", "q", "--python", "--run", "awk '{file}", cwd=tmp_path).output
    assert "as in 'awk {file}'" in invoke("lang", "new", "q", "--run", "awk", cwd=tmp_path).output
    assert "not 'Awk'" in invoke("lang", "new", "Awk", cwd=tmp_path).output


def test_a_new_package_is_begun_and_conforms(tmp_path: Path, cli: Cli) -> None:
    begun = ("--run", "awk -f {file}", "--suffix", ".awk", "--hello", 'BEGIN { print "hello" }', "--python")
    done = cli("lang", "new", "awk", *begun, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    root = tmp_path / "lowres-code-awk"
    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*")) == [
        "lowres_awk.py",
        "pyproject.toml",
        "tests/test_lowres_awk.py",
    ]
    compile((root / "tests" / "test_lowres_awk.py").read_text(), "test", "exec")
    info = root / "lowres_code_awk-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lowres-code-awk\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lowres_code]\nlowres_awk = lowres_awk\n")
    verified = cli("lang", "verify", "awk", "--soak", 5, "--json", PYTHONPATH=str(root))
    assert json.loads(verified.stdout)["passed"], verified.stderr


def test_no_reader_is_none(tmp_path: Path) -> None:
    analysis = '[analysis]\nrun = "sh -n {file}"\nreader = '
    assert load(tmp_path, SMALL + analysis + '""\n').reader == {}
    assert files_beside(tmp_path / "language.toml") == []


@pytest.mark.parametrize(
    ("reader", "names"),
    [
        ('""', []),
        ("[]", []),
        ('"reader.py"', ["reader.py"]),
        ('["reader.py", "readers.sh"]', ["reader.py", "readers.sh"]),
    ],
)
def test_files_beside_a_language(reader: str, names: list[str], tmp_path: Path) -> None:
    (tmp_path / "language.toml").write_text(f"[analysis]\nreader = {reader}\n")
    assert files_beside(tmp_path / "language.toml") == [tmp_path / name for name in names]


@pytest.mark.parametrize("reader", ["[3]", "3", '[""]', '"../reader.py"', "{ a = 1 }"])
def test_what_names_no_file_beside_a_language(reader: str, tmp_path: Path) -> None:
    (tmp_path / "language.toml").write_text(f"[analysis]\nreader = {reader}\n")
    with pytest.raises(UsageError, match=r"analysis\.reader must name files beside it"):
        files_beside(tmp_path / "language.toml")
