"""What tests ask of a language, and whether it can do that."""

from __future__ import annotations

from collections.abc import Sequence

from lowres_code.errors import UsageError
from lowres_code.language.base import Language
from lowres_code.problem import Test


def check_tests(language: Language, tests: Sequence[Test], where: str) -> None:
    """See that a language can do what tests ask of it.

    Args:
        language: the backend.
        tests: what is to be asked.
        where: names what the tests belong to, in the message.

    Raises:
        UsageError: a test has a query, and the language would ignore it; or it is code to be appended, and the
            language does not say how, or nothing in it is a check.
    """
    query = next((test.query for test in tests if test.query is not None), None)
    if query is not None and not language.queries:
        raise UsageError(
            f"{where} asks the query {query!r}, but {language.title} has no queries: a program is only run. "
            "Leave the query out, or take a language that has them, such as prolog"
        )
    for code in [test.appended.code for test in tests if test.appended is not None and test.appended.control]:
        if language.append is None:
            raise UsageError(
                f"{where} is code to be appended, and {language.title} does not say how: give it a table [append], "
                "or take a language that has one, such as lua"
            )
        try:
            language.append.check(code)
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from error
