"""The driver, `driver.pl`, called from Python by SWI-Prolog's foreign interface."""

from __future__ import annotations

import ctypes
from typing import Any

from lowres_code.language.base import Ready


class AbortedError(Exception):
    """The program has thrown ``'$aborted'``, which no ``catch/3`` stops, or has left the driver no way to answer."""


_ARGUMENTS = 6  # of judge/6, its result among them


class Driver:
    """Calls ``MODULE:NAME(Arguments..., Result)``, the driver's module, by SWI-Prolog's foreign interface.

    A result comes back as nested lists of text. pyswip's own conversion cuts text at the first NUL character, by which
    a wrong answer could pass for a right one, so texts are read with their lengths. What is called here is made once
    and side by side, because a child copies each page that it counts a reference on.
    """

    def __init__(self, module: str) -> None:
        from pyswip import core

        library = ctypes.PyDLL(core._lib._name, handle=core._lib._handle)  # keeps the lock: nobody else wants it
        term, number, pointer = ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p
        self._new_terms = _function(library, "PL_new_term_refs", term, number)
        self._new_term = _function(library, "PL_new_term_ref", term)
        self._copy_term = _function(library, "PL_copy_term_ref", term, term)
        self._put_integer = _function(library, "PL_put_int64", number, term, ctypes.c_int64)
        self._put_text = _function(library, "PL_put_chars", number, term, number, ctypes.c_size_t, ctypes.c_char_p)
        self._call = _function(library, "PL_call_predicate", number, pointer, number, pointer, term)
        self._get_nil = _function(library, "PL_get_nil", number, term)
        self._get_list = _function(library, "PL_get_list", number, term, term, term)
        self._get_text = _function(library, "PL_get_nchars", number, term, pointer, pointer, ctypes.c_uint)
        self._predicate = _function(library, "PL_predicate", pointer, ctypes.c_char_p, number, ctypes.c_char_p)
        self._length, self._data = ctypes.c_size_t(), ctypes.c_void_p()
        self._length_at, self._data_at = ctypes.byref(self._length), ctypes.byref(self._data)
        self._string = core.PL_STRING | core.REP_UTF8
        self._flags = core.PL_Q_NODEBUG | core.PL_Q_CATCH_EXCEPTION
        self._as_text = core.CVT_ATOMIC | core.REP_UTF8
        self._module = module.encode()
        self.judge = Judge(library, self._new_terms(_ARGUMENTS), self._predicate(b"judge", _ARGUMENTS, self._module))
        self._predicates: dict[str, int] = {}

    def __call__(self, name: str, *arguments: str | int) -> Any:
        """The result of one call.

        Raises:
            AbortedError: it has failed or thrown, which the driver's predicates do for nothing else.
        """
        terms = self._new_terms(len(arguments) + 1)
        at = terms
        for argument in arguments:
            if isinstance(argument, int):
                self._put_integer(at, argument)
            else:
                data = argument.encode("utf-8", "replace")
                self._put_text(at, self._string, len(data), data)
            at += 1
        if name not in self._predicates:
            self._predicates[name] = self._predicate(name.encode(), len(arguments) + 1, self._module)
        if not self._call(None, self._flags, self._predicates[name], terms):
            raise AbortedError
        return self._value(at)

    def _value(self, term: int) -> Any:
        if self._get_nil(term):
            return []
        rest, head = self._copy_term(term), self._new_term()
        if not self._get_list(rest, head, rest):
            return self._text(term)
        values = [self._value(head)]
        while self._get_list(rest, head, rest):
            values.append(self._value(head))
        return values

    def _text(self, term: int) -> str:
        if not self._get_text(term, self._length_at, self._data_at, self._as_text):
            raise AbortedError  # a program has found the driver and changed it
        return ctypes.string_at(self._data.value or 0, self._length.value).decode("utf-8", "replace")


class Judge:
    """``judge/6``, made ready in the worker, so that a child only goes down a list of calls.

    Functions, arguments and list lie side by side, and what differs from program to program is written into them.
    """

    def __init__(self, library: ctypes.PyDLL, terms: int, predicate: int) -> None:
        """Make the calls.

        Args:
            library: SWI-Prolog's.
            terms: the first of six, which nobody else uses.
            predicate: the driver's.
        """
        from pyswip import core

        term, number = ctypes.c_size_t, ctypes.c_int
        self._texts = [(ctypes.c_size_t(), ctypes.c_char_p()) for _ in range(2)]
        self._numbers = [ctypes.c_int64() for _ in range(3)]
        length, data = ctypes.c_size_t(), ctypes.c_void_p()
        string, as_text = number(core.PL_STRING | core.REP_UTF8), number(core.CVT_ATOMIC | core.REP_UTF8)
        flags = number(core.PL_Q_NODEBUG | core.PL_Q_CATCH_EXCEPTION)
        told = term(terms + _ARGUMENTS - 1)
        calls: list[tuple[str, tuple[Any, ...]]] = [
            *(("PL_put_chars", (term(terms + at), string, *text)) for at, text in enumerate(self._texts)),
            *(("PL_put_int64", (term(terms + at), value)) for at, value in enumerate(self._numbers, 2)),
            ("PL_put_variable", (told,)),
            ("PL_call_predicate", (ctypes.c_void_p(), flags, ctypes.c_void_p(predicate), term(terms))),
            ("PL_get_nchars", (told, ctypes.byref(length), ctypes.byref(data), as_text)),
        ]
        self._ready = Ready(tuple([(library[name], arguments) for name, arguments in calls]), data, length)

    def ready(self, texts: tuple[str, str], numbers: tuple[int, int, int]) -> Ready:
        """For the file and the query, and the bounds of ``judge/6``."""
        for (length, data), text in zip(self._texts, texts, strict=True):
            data.value = encoded = text.encode("utf-8", "replace")
            length.value = len(encoded)
        for cell, value in zip(self._numbers, numbers, strict=True):
            cell.value = value
        return self._ready


def _function(library: ctypes.PyDLL, name: str, result: Any, *arguments: Any) -> Any:
    function = library[name]
    function.restype, function.argtypes = result, arguments
    return function
