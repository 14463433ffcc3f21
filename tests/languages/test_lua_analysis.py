"""What the reader of Lua programs tells, counted by hand, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lowres_code.completion import Completion
from lowres_code.judge import Judge
from lowres_code.judgement import Follows, Judgement
from lowres_code.language.analysis import Analysis, Places
from lowres_code.metamorphic import follow
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Problem, Test
from lowres_code.trust import is_bare

LUA = plugin_manager().languages["lua"].thing
SUM = Problem("p", "What is 14 * 32 - 85?", (Test("363"),))
OTHER = Problem("other", "What is 20 * 41 - 99?", (Test("721"),))

if (missing := LUA.missing()) is not None:
    pytest.skip(missing.message("lua"), allow_module_level=True)


@pytest.fixture(scope="module")
def lua() -> Iterator[Judge]:
    with Judge(LUA, isolation="namespaces") as judge:
        yield judge


def analysed(judge: Judge, *programs: str) -> list[Analysis | None]:
    judgements = [Judgement("correct", Completion("", None, program, False)) for program in programs]
    return [judgement.analysis for judgement in judge.analyse(judgements)]


def judged(judge: Judge, programs: list[str], problem: Problem) -> list[Judgement]:
    completions = [Completion("", None, program, False) for program in programs]
    found = judge.judge_parsed(completions, [problem.tests] * len(programs))
    assert [judgement.verdict for judgement in found] == ["correct"] * len(programs)
    return judge.analyse(found)


@pytest.mark.parametrize(
    ("program", "counts", "literals"),
    [
        ("print(42)", (0, 0, 0, 0), "42"),
        ("local x = 42\nprint(x)", (0, 0, 0, 0), "42"),
        ("print(6 * 7 + 0)", (0, 0, 0, 2), "6 7 0"),
        ("print(-5, - 6, -(7))", (0, 0, 0, 1), "-5 -6 7"),  # the sign of a number is none, the last one is
        ("function f(a) return a end\nlocal function g() end\nprint(f(1))", (2, 2, 0, 0), "1"),
        ("local f = function() end\nf = function() end\nprint(7)", (2, 1, 0, 0), "7"),
        ("local M = {}\nfunction M.add(a, b) return a + b end\nfunction M:go() end\nM:go()", (2, 2, 0, 1), ""),
        ("table.sort({3, 1}, function(a, b) return a < b end)", (1, 1, 0, 2), "3 1"),
        ("local t = {red = 1, ['blue'] = 2, 'green'}\nprint(t.red)", (0, 0, 0, 0), "red 1 blue 2 green"),
        ("for i = 1, 3 do print(i) end", (0, 0, 0, 1), "1 3"),
        ("for k, v in pairs({}) do print(k) end", (0, 0, 0, 0), ""),
        ("if x == 1 and not y then print(true) elseif #z > 2 then print(nil) end", (0, 0, 0, 4), "1 true 2"),
        ('print("a\\nb\\65\\x42\\u{43}" .. [[long]])', (0, 0, 0, 0), "a\nbABC long"),
        ("print(('x'):rep(3), math.floor(3.5), string.format('%d', 0x10))", (0, 0, 0, 2), "x 3 3.5 %d 16"),
        ("print(7 // 2 ~ 1 << 3, 0xe+1, 1e3)", (0, 0, 0, 4), "7 2 1 3 14 1 1e3"),
        ("-- 7\n--[[ 8 ]] --[==[ 9\n]==]\nprint(10) -- 11", (0, 0, 0, 0), "10"),
        ("goto done\n::done::\nrepeat local n <const> = 1 until true", (0, 0, 0, 0), "1 true"),
        ("#!/usr/bin/lua\nprint 'é'", (0, 0, 0, 0), "é"),
        ("local s = '\\\\u{FFFFFFFFFFFF}\\\\999\\\\x41'\nprint(42)", (0, 0, 0, 0), "\\u{FFFFFFFFFFFF}\\999\\x41 42"),
        ("print('a\\z\n  b\\\nc\\0d\\u{7FFFFFFF}')", (0, 0, 0, 0), "ab\nc\0d??????"),
        ("\ufeff#!/usr/bin/lua\nprint(42)", (0, 0, 0, 0), "42"),
        ("-- one line\rprint(6 * 7)", (0, 0, 0, 1), "6 7"),
        ("print(42) -- \udcff\ud800", (0, 0, 0, 0), "42"),  # a byte that is no UTF-8, and half a character
        ("", (0, 0, 0, 0), ""),
    ],
)  # fmt: skip
def test_counts_and_literals(program: str, counts: tuple[int, ...], literals: str, lua: Judge) -> None:
    (analysis,) = analysed(lua, program)
    assert analysis is not None
    assert (analysis.clauses, analysis.predicates, analysis.constraints, analysis.operations) == counts
    assert " ".join(analysis.literals) == literals


def test_places_are_counted_in_characters(lua: Judge) -> None:
    (analysis,) = analysed(lua, "-- é\nlocal n, t = -14, {n = 2}\nprint(n * t.n)\nfunction go(t) return t end")
    assert analysis is not None
    assert dict(analysis.places.names) == {
        "n": ((11, 12), (37, 38)),
        "t": ((14, 15), (41, 42), (58, 59), (68, 69)),
        "go": ((55, 57),),
    }
    assert analysis.places.numbers == ((18, 21), (28, 29))


def test_places_behind_bytes_that_are_no_text(lua: Judge) -> None:
    (analysis,) = analysed(lua, "\ufeff-- é\udce9\nlocal n = 14")
    assert analysis is not None and analysis.places == Places({"n": ((13, 14),)}, ((17, 19),))


def test_names_that_something_else_may_look_up_are_nobodys_own(lua: Judge) -> None:
    programs = [
        "total = 42\nprint(_G['total'])",
        "total = 42\nprint(_G.total)",
        "total = 42\nload('print(total)')()",
        "local total = 42\nprint(total, 'the total')",
        "local t, total = {}, 42\nt.total = total",
    ]
    named = [analysis and [*analysis.places.names] for analysis in analysed(lua, *programs)]
    assert named == [[], [], [], ["total"], ["t", "total"]]


def test_what_is_no_lua_has_no_analysis_and_nothing_runs(lua: Judge) -> None:
    broken = [
        "print(",
        "x = = 1",
        "local x <strange> = 1",
        "print('\xff')\x00(",
        "return " + "(" * 10_000 + "1" + ")" * 10_000,
    ]
    assert analysed(lua, *broken) == [None] * len(broken)
    endless = "while true do os.execute('touch seen') end"
    (analysis,) = analysed(lua, endless)
    assert analysis == Analysis(0, 0, 0, 1, ("true", "touch seen"))


def test_large_programs(lua: Judge) -> None:
    many, long = "print(1)\n" * 20_000, f"print('{'9' * 100_000}')"
    assert analysed(lua, many, long) == [Analysis(0, 0, 0, 0, ("1",) * 1_000), Analysis(0, 0, 0, 0, ("9" * 200,))]


def test_bare_constants(lua: Judge) -> None:
    cheats = [
        "print(363)",
        "print('363')",
        "print(363.0)",
        "local answer = 363\nprint(answer)",
        "local function solve() return 363 end\nprint(solve())",
        "io.write(363, '\\n')",
        "local t = {answer = 363}\nprint(t.answer)",
        "print(string.format('%d', 363))",
        "print(448 - 85 + 0)",  # the 448 was computed in prose
        "print(300 + 63)",
    ]
    assert [is_bare(one, SUM) for one in judged(lua, cheats, SUM)] == [True] * len(cheats)
    honest = ["print(14 * 32 - 85)", "local a, b, c = 14, 32, 85\nlocal function f() return a * b end\nprint(f() - c)"]
    assert [is_bare(one, SUM) for one in judged(lua, honest, SUM)] == [False] * len(honest)


def test_programs_are_renamed_and_get_other_numbers(lua: Judge) -> None:
    programs = {
        "local total, n = 0, 32\nfor i = 1, n do total = total + 14 end\nprint(total - 85)": Follows(True, True),
        "x363 = true\nfor k in pairs(_G) do\n  local n = k:match('^x(%d+)$')\n  if n then print(n) end\nend": Follows(
            False, None
        ),
        "local a, b, c = 14, 32, 85\nprint(a * b > c and 363)": Follows(True, False),
        "print(14 * 32 - 85)": Follows(None, True),
        "print(363)": Follows(None, False),
        "local self = {n = 14 * 32}\nfunction self:sub(c) return self.n - c end\nprint(self:sub(85))": Follows(
            True, True
        ),
    }
    found = follow(lua, judged(lua, [*programs], SUM), [SUM] * len(programs), lambda _: [OTHER])
    assert [one.follows for one in found] == [*programs.values()]
