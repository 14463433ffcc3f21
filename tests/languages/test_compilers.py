"""Compilers within limits: long right programs are right, and one that a limit stops is that limit's verdict."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
from lowres_code.conformance.verify import LIMITS
from lowres_code.judge import Judge
from lowres_code.language.base import Limits, Status
from lowres_code.language.command import CommandLanguage
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Test

PARTS = 25
# Of each language: how a program begins, a part of it, what calls the part, how it goes on before the calls and ends.
# ``@`` is the number of the part, from 1. The parts use what costs a compiler most: generic packages, records, maps.
PROGRAMS = {
    "ada": (
        """
with Ada.Text_IO; use Ada.Text_IO;
with Ada.Containers.Vectors;
with Ada.Containers.Ordered_Sets;
with Ada.Containers.Indefinite_Ordered_Maps;
procedure Program is
   package Vectors is new Ada.Containers.Vectors (Positive, Integer);
   package Sets is new Ada.Containers.Ordered_Sets (Integer);
   package Maps is new Ada.Containers.Indefinite_Ordered_Maps (String, Integer);
   Total : Integer := 0;
   V     : Vectors.Vector;
   S     : Sets.Set;
   M     : Maps.Map;
""",
        """
   function F@ (X : Integer) return Integer is
      R : Integer := X;
   begin
      for K in 1 .. 3 loop
         R := (R * @ + K) mod 10_007;
         V.Append (R);
         S.Include (R);
         M.Include (Integer'Image (R), K);
      end loop;
      return R;
   end F@;
""",
        "begin",
        "   Total := Total + F@ (@);",
        "   Put_Line (Integer'Image (Total));\nend Program;",
    ),
    "cobol": (
        """
identification division.
program-id. parts.
data division.
working-storage section.
01 total pic 9(9) value 0.
01 k     pic 9(4).
01 r     pic 9(9).
01 shown pic z(8)9.
01 slots.
   05 slot pic 9(9) occurs 9 times.
procedure division.
    go to calls.
""",
        """
part-@.
    move @ to r
    perform varying k from 1 by 1 until k > 3
        compute r = function mod(r * @ + k, 10007)
        move r to slot(k)
    end-perform
    evaluate true
        when r = slot(3)
            add r to total
        when other
            stop run returning 1
    end-evaluate.
""",
        "calls.",
        "    perform part-@",
        "    move total to shown\n    display function trim(shown)\n    stop run.",
    ),
    "fortran": (
        """
module work
  implicit none
contains
""",
        """
  function f@(x) result(r)
    integer, intent(in) :: x
    integer :: r, k
    integer, allocatable :: v(:)
    character(len=20) :: text
    allocate (v(0))
    r = x
    do k = 1, 3
      r = mod(r * @ + k, 10007)
      v = [v, r]
      write (text, '(i0)') r
    end do
  end function
""",
        "end module\nprogram main\n  use work\n  implicit none\n  integer :: total = 0",
        "  total = total + f@(@)",
        "  print '(i0)', total\nend program",
    ),
    "haskell": (
        """
module Main where
import qualified Data.Map as M
import Text.Printf
""",
        """
data T@ = A@ Int | B@ String | C@ { x@ :: Int, y@ :: [Int] }
  deriving (Show, Eq, Ord, Read)

f@ :: Int -> Int
f@ x = go 1 x M.empty
  where
    go k r m
      | k > 3 = M.findWithDefault 0 r m
      | otherwise = let n = (r * @ + k) `mod` 10007 in go (k + 1) n (M.insert n n m)

g@ :: T@ -> Int
g@ (A@ n) = f@ n
""",
        'main :: IO ()\nmain = printf "%d\\n" $ 0',
        "  + g@ (A@ @)",
        "",
    ),
}
LANGUAGES = plugin_manager().languages


def program(name: str) -> str:
    begin, part, between, call, end = PROGRAMS[name]
    numbers = map(str, range(1, PARTS + 1))
    parts, calls = zip(*((part.replace("@", n), call.replace("@", n)) for n in numbers), strict=True)
    return "\n".join((begin, *parts, between, *calls, end, ""))


def answer() -> int:
    total = 0
    for n in range(1, PARTS + 1):
        r = n
        for k in (1, 2, 3):
            r = (r * n + k) % 10007
        total += r
    return total


def language(name: str) -> CommandLanguage:
    language = LANGUAGES[name].thing
    assert isinstance(language, CommandLanguage)
    if missing := language.missing():
        pytest.skip(f"{missing.what} is not installed: {missing.install}")
    return language


COMPILED = [name if name == "fortran" else pytest.param(name, marks=pytest.mark.slow) for name in PROGRAMS]


@pytest.mark.parametrize("name", COMPILED)
def test_a_right_program_of_300_lines_is_right_within_the_least_limits(name: str) -> None:
    text = program(name)
    assert len(text.splitlines()) > 300
    with Judge(language(name), LIMITS, workers=1) as judge:
        execution = judge.execute([text], [Test()])[0]
        assert judge.verdict(execution, Test(expected=str(answer()))) == "correct", execution
        assert judge.check_syntax([text])[0].status is Status.OK
    assert execution.cpu_s < judge.limits.cpu_s / 2
    assert execution.peak_mb < judge.limits.memory_mb / 2


NUMBERS = "integer :: i\ninteger, parameter :: a(9000000) = [(i, i = 1, 9000000)]\nprint *, a(3)\nend\n"
TEXT = "character(60000000) :: text = 'x'\ntext(3:3) = 'y'\nprint '(a)', text(3:3)\nend\n"
STOPPED = [
    ("fortran", program("fortran"), Limits(file_kb=0), Status.OUTPUT_LIMIT),
    ("fortran", TEXT, Limits(file_kb=2**20, memory_mb=2048), Status.OUTPUT_LIMIT),  # the scratch directory is full
    ("fortran", TEXT, Limits(memory_mb=64), Status.MEMORY_LIMIT),
    ("fortran", NUMBERS, Limits(cpu_s=1), Status.TIMEOUT),
    ("fortran", program("fortran"), Limits(processes=3), Status.RUNTIME_ERROR),
    ("ada", program("ada"), Limits(), Status.OUTPUT_LIMIT),  # what was a syntax error: the compiler's file of 2 MB
    ("ada", program("ada"), Limits(file_kb=0), Status.OUTPUT_LIMIT),
    ("ada", program("ada"), Limits(memory_mb=64), Status.MEMORY_LIMIT),
    ("ada", program("ada"), Limits(cpu_s=1), Status.TIMEOUT),
    ("ada", program("ada"), Limits(processes=3), Status.RUNTIME_ERROR),
    ("cobol", program("cobol"), Limits(file_kb=8), Status.OUTPUT_LIMIT),
    ("cobol", program("cobol"), Limits(processes=3), Status.RUNTIME_ERROR),
    ("haskell", program("haskell"), Limits(memory_mb=64), Status.MEMORY_LIMIT),
    ("haskell", program("haskell"), Limits(cpu_s=1, memory_mb=1024), Status.TIMEOUT),
    ("haskell", program("haskell"), Limits(processes=3), Status.RUNTIME_ERROR),
]


@pytest.mark.parametrize(
    ("name", "text", "limits", "status"),
    [pytest.param(*case, marks=() if case[0] == "fortran" else pytest.mark.slow) for case in STOPPED],
    ids=[f"{name}-{status.value}-{number}" for number, (name, _, _, status) in enumerate(STOPPED)],
)
def test_a_compiler_that_a_limit_stops_is_that_limits_verdict(
    name: str, text: str, limits: Limits, status: Status
) -> None:
    """Also where a driver of compilers ends with an exit code of its own.

    Both are asked at once: a driver that may not start a process tries again for 15 seconds.
    """
    limited = dataclasses.replace(language(name), needs={})
    with Judge(limited, limits, workers=1) as judge, Judge(limited, limits, workers=1) as other:
        with ThreadPoolExecutor(1) as threads:
            checked = threads.submit(other.check_syntax, [text])
            execution = judge.execute([text], [Test()])[0]
        assert execution.status is status, execution
        assert checked.result()[0].status is not Status.SYNTAX_ERROR
