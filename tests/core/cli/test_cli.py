"""The command line as a user has it: processes, exit codes, what is printed where."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from lowres_code.sandbox.isolation import availability

from tests.conftest import Cli

Invoke = Callable[..., Result]


def test_help_and_the_package_do_not_import_torch() -> None:
    script = (
        "import sys, lowres_code; from click.testing import CliRunner; from lowres_code.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "import lowres_code.cli.run_command\n"
        "print(sorted({'torch', 'transformers', 'trl', 'peft', 'numpy', 'datasets'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_run_prints_the_object_that_the_design_promises(cli: Cli, tmp_path: Path) -> None:
    program = tmp_path / "p.pl"
    program.write_text("solve(X) :- print(hello), X is 6 * 7.\n")
    done = cli("run", program, "--lang", "prolog", "--expect", "42.0", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert list(told) == [
        *("lang", "verdict", "status", "answer", "stdout", "stderr", "diagnostics"),
        *("cpu_s", "wall_s", "peak_mb", "isolation", "exit_code"),
    ]
    assert (told["lang"], told["status"], told["verdict"], told["answer"]) == ("prolog", "ok", "correct", "42")
    assert (told["stdout"], told["isolation"]) == ("hello", "namespaces")


@pytest.mark.parametrize(
    ("program", "arguments", "code", "said"),
    [
        ("solve(42).", [], 0, "ok: 42"),
        ("solve(42).", ["--expect", "42"], 0, "correct: 42"),
        ("solve(41).", ["--expect", "42"], 1, "wrong_answer: 41"),
        ("solve(X) :- X is foo.", [], 1, "runtime_error"),
        ("p(1). p(2).", ["--query", "p(X)"], 0, "ok: 1"),
        ("", [], 1, "runtime_error"),
        (":- initialization(write(hi)).\nsolve(42).", ["--expect", "42"], 0, "hi\ncorrect: 42"),
    ],
)
def test_run_from_standard_input(program: str, arguments: list[str], code: int, said: str, invoke: Invoke) -> None:
    done = invoke("run", "-", "--lang", "prolog", *arguments, stdin=program)
    assert (done.exit_code, done.stdout.strip()) == (code, said)


def test_what_is_printed_is_the_answer_of_other_languages_and_shown_once(invoke: Invoke) -> None:
    done = invoke("run", "-", "--lang", "python", "--expect", "42", stdin="print(6 * 7)")
    assert (done.exit_code, done.stdout) == (0, "correct: 42\n")


POSIX = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # Python reads arguments as ASCII then


def test_what_a_terminal_has_no_character_for_is_written_as_an_escape(cli: Cli, tmp_path: Path) -> None:
    program = tmp_path / "p.pl"
    program.write_text("solve('1 → 2').", encoding="utf-8")
    done = cli("run", program, "--lang", "prolog", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok: 1 \\u2192 2\n", "")
    done = cli("run", program, "--lang", "prolog", "--json", PYTHONIOENCODING="latin-1")
    assert json.loads(done.stdout)["answer"] == "1 → 2"


@pytest.mark.parametrize("arguments", [("--expect", "é → 😀"), ("--expect", "é", "--query", "X = é")])
def test_arguments_are_read_as_utf8_under_any_locale(arguments: tuple[str, ...], cli: Cli, tmp_path: Path) -> None:
    program = tmp_path / "grün.pl"
    program.write_text("solve('é → 😀').", encoding="utf-8")
    done = cli("run", program, "--lang", "prolog", *arguments, "--json", **POSIX)
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (0, "correct"), done.stderr


def test_a_recipe_is_changed_as_typed_under_any_locale(cli: Cli) -> None:
    done = cli("recipe", "show", "quickstart", "--set", "prompt.system=é →", **POSIX)
    assert 'system = "é →"' in done.stdout, done.stderr


@pytest.mark.parametrize(
    "data",
    [
        ":- encoding(iso_latin_1).\nsolve('café').\n".encode("latin-1"),
        b"\xff\xfe" + "solve('café').\n".encode("utf-16-le"),
        b"\xef\xbb\xbf" + "solve('café').\n".encode(),
        "solve('café').\n".encode(),
    ],
    ids=["encoding directive", "UTF-16 with a mark", "UTF-8 with a mark", "UTF-8"],
)
def test_a_program_is_read_in_its_own_encoding(data: bytes, invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "p.pl").write_bytes(data)
    done = invoke("run", tmp_path / "p.pl", "--lang", "prolog", "--expect", "café")
    assert (done.exit_code, done.stdout) == (0, "correct: café\n")


def test_a_program_in_latin_1_is_timed(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "p.pl").write_bytes(b"% caf\xe9\nsolve(42).\n")
    arguments = ("--program", tmp_path / "p.pl", "--rounds", 2, "--batch", 2, "--json")
    done = invoke("lang", "bench", "prolog", *arguments)
    assert done.exit_code == 0, done.output


def test_run_says_where_the_syntax_is_wrong(cli: Cli) -> None:
    done = cli("run", "-", "--lang", "prolog", "--json", stdin="a(1).\nsolve(X) :- X = (.\n")
    diagnostic = json.loads(done.stdout)["diagnostics"][0]
    assert (done.returncode, diagnostic["line"], diagnostic["severity"]) == (1, 2, "error")
    assert diagnostic["column"] > 1


def test_a_syntax_error_is_told_once_and_without_the_sandbox(invoke: Invoke) -> None:
    """The place is SWI-Prolog's own, which counts columns from 0."""
    done = invoke("run", "-", "--lang", "prolog", stdin="a(1).\nsolve(X) :- X is 1 + .\n")
    assert (done.exit_code, done.stdout) == (1, "syntax_error\n")
    assert done.stderr == "ERROR: program.pl:2:21: Syntax error: Unbalanced operator\n"


def test_the_message_of_a_syntax_error_has_its_place_once(cli: Cli) -> None:
    done = cli("run", "-", "--lang", "prolog", "--json", stdin="a(1).\nsolve(X) :- X is 1 + .\n")
    (told,) = json.loads(done.stdout)["diagnostics"]
    assert told == {"message": "Syntax error: Unbalanced operator", "severity": "error", "line": 2, "column": 22}


def test_an_unknown_procedure_is_told_where_the_syntax_is_right(invoke: Invoke) -> None:
    done = invoke("run", "-", "--lang", "prolog", stdin="solve(X) :- other(X).\n")
    assert (done.exit_code, done.stdout) == (1, "runtime_error\n")
    assert "Unknown procedure: other/1" in done.stderr


def test_a_traceback_names_the_program_without_the_sandbox(invoke: Invoke) -> None:
    done = invoke("run", "-", "--lang", "python", stdin="print(1 / 0)\n")
    assert done.exit_code == 1
    assert 'File "program.py", line 1' in done.stderr
    assert "/program/" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train", "--lang", "prolgo"], "there is no language 'prolgo'; did you mean 'prolog'?"),
        (["train"], "--lang is missing"),
        (["train", "--lang", "prolog", "--recipe", "quickstrt"], "did you mean 'quickstart'?"),
        (["train", "--lang", "prolog", "--recipe", "none.toml"], "there is no recipe file 'none.toml'"),
        (["train", "--lang", "prolog", "--set", "train.max_stps=3"], "did you mean 'max_steps'?"),
        (["train", "--lang", "prolog", "--set", "eval.samples=many"], "eval.samples: must be a whole number"),
        (["train", "--lang", "prolog", "--set", "model.name=no/such"], "model 'no/such' cannot be loaded"),
        (["train", "--resume", "nowhere"], "'nowhere' holds no run"),
        (["train", "--resume", "nowhere", "--seed", "3"], "--seed do not go with it"),
        (["train", "--lang", "lisp"], "did you mean 'common-lisp'?"),
        (["eval", "pocket"], "--lang is missing"),
        (["run", "-", "--lang", "prolog", "--set", "limits.cpus=1"], "limits.cpus: unknown key; did you mean 'cpu_s'?"),
        (["run", "-", "--lang", "prolog", "--set", "train.max_steps=1"], "here it changes limits only"),
        (["eval", "no/such-model", "--lang", "prolog"], "model 'no/such-model' cannot be loaded"),
        (["run", "missing.pl", "--lang", "prolog"], "missing.pl"),
        (
            ["run", "-", "--lang", "python", "--query", "f(X)"],
            "--query asks the query 'f(X)', but Python has no queries",
        ),
        (["run", "-", "--lang", "prolog", "--isolation", "none"], "'none' is not one of 'auto', 'namespaces'"),
        (["trian"], "there is no command 'trian'; did you mean 'train'?"),
        (["report", "nowhere"], "'nowhere' holds no run"),
        (["recipe", "show", "quick"], "there is no recipe 'quick'"),
    ],
)
def test_a_users_mistake_is_one_clear_line_and_exit_code_2(
    arguments: list[str], said: str, invoke: Invoke, tmp_path: Path
) -> None:
    done = invoke(*arguments, cwd=tmp_path)
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)  # click's own end: no exception came through
    assert said in done.stderr
    assert not list(tmp_path.glob("runs/*/*"))


def test_limits_are_the_defaults_or_a_recipes_or_ones_own(invoke: Invoke) -> None:
    long = "solve(X) :- between(1, 10000000, X), X > 1500000."  # some three million inferences
    assert invoke("run", "-", "--lang", "prolog", stdin=long).stdout == "ok: 1500001\n"
    for arguments in (["--recipe", "quickstart"], ["--set", "limits.inferences=2000000"]):
        done = invoke("run", "-", "--lang", "prolog", *arguments, stdin=long)
        assert (done.exit_code, done.stdout) == (1, "timeout\n")
        assert "the limit: 2000000 inferences" in done.stderr


def test_a_folder_that_holds_other_things_is_not_touched(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    done = invoke("train", "--lang", "prolog", "--out", tmp_path)
    assert done.exit_code == 2
    assert "holds other things ('thesis.tex')" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_directory_that_holds_a_run_is_not_touched(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("# a run\n")
    (tmp_path / "env.json").write_text("{}")
    done = invoke("train", "--lang", "prolog", "--out", tmp_path)
    assert (done.exit_code, (tmp_path / "recipe.toml").read_text()) == (2, "# a run\n")
    assert "already holds a run" in done.stderr


def test_without_swi_prolog_the_install_command_is_told(cli: Cli, tmp_path: Path) -> None:
    done = cli("run", "-", "--lang", "prolog", stdin="solve(1).", PATH=str(tmp_path))
    assert done.returncode == 2
    assert "apt-get install swi-prolog-nox" in done.stderr


def test_without_bubblewrap_landlock_is_taken_and_said_but_never_for_what_was_asked_by_name(
    cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "swipl").symlink_to("/usr/bin/swipl")
    by_name = cli("run", "-", "--lang", "prolog", "--isolation", "namespaces", stdin="solve(1).", PATH=str(tmp_path))
    assert by_name.returncode == 3
    assert "apt-get install bubblewrap" in by_name.stderr
    assert "Traceback" not in by_name.stderr
    if availability("landlock").works:
        assert "'landlock' works here (--isolation landlock" in by_name.stderr.partition("'limits'")[0]
    done = cli("run", "-", "--lang", "prolog", "--json", stdin="solve(1).", PATH=str(tmp_path))
    if availability("landlock").works:
        assert (done.returncode, json.loads(done.stdout)["isolation"]) == (0, "landlock")
    else:
        assert (done.returncode, done.stdout) == (3, "")
        assert "landlock" in done.stderr


def test_a_prompt_is_shown_as_the_model_gets_it(invoke: Invoke) -> None:
    changes = ["--set", "data.eval.size=14", "--set", "prompt.system=Answer in {title}.", "--set", "prompt.shots=1"]
    shown = invoke("recipe", "show", "quickstart", "--prompt", "--lang", "prolog", *changes)
    assert shown.exit_code == 0, shown.output
    text = shown.stdout
    assert text.index("Answer in Prolog.") < text.index("What is 14 * 32 - 85?") < text.index("<code>")
    assert text.count("Prolog: ") == 2, "the worked example's question and the problem's, by the recipe's template"
    refused = invoke("recipe", "show", "quickstart", "--prompt")
    assert (refused.exit_code, "--prompt and --lang go together" in refused.stderr) == (2, True)


def test_doctor_and_lists(invoke: Invoke) -> None:
    doctor = invoke("doctor", "--json")
    findings = {finding["what"]: finding["works"] for finding in json.loads(doctor.stdout)}
    assert doctor.exit_code == 0  # also where the tools of some language are missing
    assert findings["isolation namespaces"]
    assert findings["language prolog"]
    assert "quickstart" in invoke("recipe", "list").stdout
    assert 'name = "pocket"' in invoke("recipe", "show", "quickstart").stdout
    assert json.loads(invoke("lang", "list", "--json").stdout)["languages"][0]["origin"] == "built in"
    assert "solve(X)" in invoke("lang", "show", "prolog").stdout
    assert "limits are at least: cpu_s 5, memory_mb 512" in invoke("lang", "show", "racket").stdout


def test_a_full_disk_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "p.pl").write_text("solve(1).")
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "lowres_code", "run", str(tmp_path / "p.pl"), "--lang", "prolog"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode != 0
    assert "Error: cannot write: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
