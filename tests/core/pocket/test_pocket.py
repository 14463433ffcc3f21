"""The embedded model and its builder: what it was taught is right where it should be, and only there."""

from __future__ import annotations

import itertools
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from lowres_code.answers import same_answer
from lowres_code.completion import parse_completion
from lowres_code.generation.models import POCKET_FOLDER, load_model, load_tokenizer
from lowres_code.judge import Judge
from lowres_code.pocket.build import SCARCE, TASKS
from lowres_code.pocket.build import main as build
from lowres_code.pocket.corpus import Scarcity, Text, corpus
from lowres_code.pocket.dialects import Dialect
from lowres_code.pocket.dialects.prefix import prefix
from lowres_code.pocket.dialects.prolog import DIALECT as PROLOG_DIALECT
from lowres_code.pocket.dialects.python import DIALECT as PYTHON_DIALECT
from lowres_code.pocket.ideas import TAUGHT_TASKS, idea_of
from lowres_code.problem import Test
from lowres_code.recipe.schema import ModelTable
from lowres_code.sources import part_of
from lowres_code.sources.reasoning_gym import ReasoningGym, entries

POCKET = ModelTable(name="pocket", dtype="float32")
BETWEEN = "@@"  # stands between the answers of programs that were run as one


def _as_subroutines(programs: list[str]) -> str:
    subroutines = [f"subroutine s{n}\n{program}\n" for n, program in enumerate(programs)]
    calls = f"\nprint *, '{BETWEEN}'\n".join(f"call s{n}" for n in range(len(programs)))
    return "".join(subroutines) + calls + "\nend"


class Tool(NamedTuple):
    """How programs in one language are run, and how several of them become one, to save starts."""

    command: str
    file: str
    joined: Callable[[list[str]], str]


TOOLS = {
    "Common Lisp": Tool("sbcl --script", "p.lisp", f'(terpri) (princ "{BETWEEN}") (terpri)\n'.join),
    "Lua": Tool("lua5.4", "p.lua", lambda ps: f"print('{BETWEEN}')\n".join(f"do {p} end\n" for p in ps)),
    "Scheme": Tool("guile --no-auto-compile", "p.scm", f'(newline) (display "{BETWEEN}") (newline)\n'.join),
    "OCaml": Tool("ocaml", "p.ml", f'\nlet () = print_endline "\\n{BETWEEN}"\n'.join),
    "Fortran": Tool("gfortran -o p", "p.f90", _as_subroutines),
}
RUN_BY_TOOL = [dialect for dialect in SCARCE if dialect.language in TOOLS]


def _output(language: str, program: str, folder: Path) -> str:
    """What the program prints, run with the real tool."""
    tool = TOOLS[language]
    if shutil.which(tool.command.split()[0]) is None:
        pytest.skip(f"{tool.command.split()[0]} is not installed")
    (folder / tool.file).write_text(program)
    command = [*tool.command.split(), tool.file]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    if language == "Fortran" and done.returncode == 0:
        done = subprocess.run([folder / "p"], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


def _program(text: Text) -> str:
    return (parse_completion(text.completion, ()).program or "").strip()


def _right_and_read(count: int, seed: int) -> list[tuple[str, str, Text]]:
    """For each of the first texts of the corpus: the right program in its language, the answer, the text."""
    writers = {dialect.language: dialect for dialect in (PYTHON_DIALECT, *SCARCE)}
    streams = [(task, entries(task, options, "train", seed)) for task, options in TASKS.items()]
    found = []
    for text, (task, stream) in zip(corpus(TASKS, SCARCE, Scarcity(), seed), itertools.cycle(streams), strict=False):
        entry = next(stream)
        right = writers[text.prompt.partition(": ")[0]].write(idea_of(task, entry))
        found.append((right, str(entry["answer"]), text))
        if len(found) == count:
            break
    return found


def test_it_is_a_small_qwen2_with_a_chat_template() -> None:
    model, tokenizer = load_model(POCKET), load_tokenizer(POCKET)
    assert model.config.model_type == "qwen2"
    assert model.num_parameters() <= 2_000_000
    assert sum(file.stat().st_size for file in POCKET_FOLDER.rglob("*")) <= 6 * 2**20
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Prolog: 12 + 3456"}], add_generation_prompt=True, tokenize=False
    )
    assert text == "<|im_start|>user\nProlog: 12 + 3456<|im_end|>\n<|im_start|>assistant\n"
    assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert [tokenizer.decode([token]) for token in tokenizer("3456").input_ids] == ["345", "6"]


@pytest.mark.parametrize("task", TAUGHT_TASKS)
def test_every_template_that_is_taught_is_right(task: str, judge: Judge) -> None:
    """Prolog through the judge, Python through this interpreter, on thirty problems of each task."""
    some = list(itertools.islice(entries(task, TASKS[task], "train", seed=77), 30))
    ideas = [idea_of(task, entry) for entry in some]
    answers = [str(entry["answer"]) for entry in some]
    executions = judge.execute([PROLOG_DIALECT.write(idea) for idea in ideas], [Test(answer) for answer in answers])
    assert [judge.verdict(e, Test(a)) for e, a in zip(executions, answers, strict=True)] == ["correct"] * 30
    for idea, answer in list(zip(ideas, answers, strict=True))[:5]:
        program = PYTHON_DIALECT.write(idea)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert judge.language.compare(answer, done.stdout.strip().splitlines()[0]), program


@pytest.mark.parametrize("task", TAUGHT_TASKS)
@pytest.mark.parametrize("dialect", RUN_BY_TOOL, ids=lambda dialect: dialect.language)
def test_every_template_is_right_when_really_run(dialect: Dialect, task: str, tmp_path: Path) -> None:
    some = list(itertools.islice(entries(task, TASKS[task], "train", seed=78), 8))
    programs = [dialect.write(idea_of(task, entry)) for entry in some]
    output = _output(dialect.language, TOOLS[dialect.language].joined(programs), tmp_path)
    answers = output.split(BETWEEN)
    assert len(answers) == len(some), output
    for entry, program, answer in zip(some, programs, answers, strict=True):
        assert same_answer(str(entry["answer"]), answer), program


def test_each_scarce_language_has_its_share_and_is_mostly_broken() -> None:
    read = _right_and_read(2000, seed=5)
    scarce = [(right, text) for right, _, text in read if not text.prompt.startswith("Python: ")]
    assert 0.45 < len(scarce) / len(read) < 0.51
    for dialect in SCARCE:
        own = [(right, text) for right, text in scarce if text.prompt.startswith(f"{dialect.language}: ")]
        assert 0.06 < len(own) / len(read) < 0.1
        sound = sum(_program(text) == right for right, text in own)
        assert 0.08 < sound / len(own) < 0.22


@pytest.mark.parametrize("dialect", RUN_BY_TOOL, ids=lambda dialect: dialect.language)
def test_what_is_broken_is_seldom_right_all_the_same(dialect: Dialect, tmp_path: Path) -> None:
    read = [
        (answer, program)
        for right, answer, text in _right_and_read(600, seed=7)
        if text.prompt.startswith(f"{dialect.language}: ") and (program := _program(text)) != right
    ]
    some = random.Random(0).sample(read, 10)
    assert sum(same_answer(answer, _output(dialect.language, program, tmp_path)) for answer, program in some) <= 1


def test_prolog_is_mostly_broken_in_what_the_model_reads(judge: Judge) -> None:
    texts = list(itertools.islice(corpus(TASKS, SCARCE, Scarcity(), seed=5), 2000))
    prolog = [text for text in texts if text.prompt.startswith("Prolog: ")]
    programs = [_program(text) for text in prolog]
    executions = judge.execute(programs, [Test()] * len(programs))
    assert sum(execution.answer is not None for execution in executions) / len(programs) < 0.3


@pytest.mark.parametrize(
    ("infix", "expected"),
    [
        ("585 + 964", "(+ 585 964)"),
        ("7 - -5 - 7", "(+ 7 5 -7)"),
        ("197 - 74*d", "(+ 197 (* -74 d))"),
        ("17 - q", "(+ 17 (- q))"),
        ("-( 8 - 2 ) - -3 * 8", "(+ (- (+ 8 -2)) (* 3 8))"),
        ("( -7 + 3 ) - 6 * -7 / 2", "(+ (+ -7 3) (/ (* -6 -7) 2))"),
    ],
)
def test_formulas_for_lisps(infix: str, expected: str) -> None:
    assert prefix(infix) == expected


def test_the_model_never_reads_a_held_out_question() -> None:
    texts = itertools.islice(corpus(TASKS, SCARCE, Scarcity(), seed=6), 600)
    assert {part_of(text.prompt.partition(": ")[2]) for text in texts} == {"train"}


def test_training_and_held_out_problems_share_no_question_whatever_the_seeds() -> None:
    source = ReasoningGym()
    parts = {
        part: {p.question for seed in (0, 1) for p in source.load({"tasks": TASKS}, part, 250, seed)}
        for part in ("train", "eval")
    }
    assert len(parts["train"]) > 400
    assert len(parts["eval"]) > 300
    assert not parts["train"] & parts["eval"]


def test_equations_that_lost_their_variable_are_left_out() -> None:
    some = itertools.islice(entries("simple_equations", {"max_terms": 3}, "train", seed=1), 200)
    assert all(any(letter.isalpha() for letter in entry["metadata"]["equation"]) for entry in some)


def test_quotients_that_reasoning_gym_rounds_away_are_left_out() -> None:
    """About one basic_arithmetic entry in a hundred is a fraction, and is given as 0 by reasoning-gym 0.1."""
    some = itertools.islice(entries("basic_arithmetic", TASKS["basic_arithmetic"], "train", seed=1), 400)
    assert all(eval(entry["metadata"]["expression"]) == int(entry["answer"]) for entry in some)


def test_the_builder_gives_the_same_model_for_the_same_seed(tmp_path: Path) -> None:
    """In this process, and in one of its own."""
    small = ["--steps", "2", "--batch", "4", "--reading", "500", "--vocabulary", "300"]
    done = CliRunner().invoke(build, [str(tmp_path / "first"), *small])
    assert done.exit_code == 0, done.output
    command = [sys.executable, "-m", "lowres_code.pocket.build", str(tmp_path / "second"), *small]
    subprocess.run(command, check=True, capture_output=True)
    for file in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()
