"""Languages whose child calls C functions that are made ready in the worker; some of them wrongly."""

from __future__ import annotations

import ctypes
from typing import Any

from lowres_code.language.base import Diagnostic, EmbeddedLanguage, Execution, Limits, Ready, Status
from lowres_code.problem import Test

LIBC = ctypes.PyDLL(None)
DONE, NOTHING = (LIBC["abs"], (ctypes.c_int(1),)), (LIBC["abs"], (ctypes.c_int(0),))


class Greeter(EmbeddedLanguage):
    """Whatever the program is, it answers hello."""

    name, title, suffix, fences, guidance = "greeter", "Greeter", ".txt", ("greeter",), ""
    calls: tuple[Any, ...] = (DONE,)

    def load(self, warm_up: str) -> None:
        self.told = ctypes.create_string_buffer(b"hello")
        data = ctypes.cast(self.told, ctypes.c_void_p)
        self.made = Ready(self.calls, data, ctypes.c_size_t(5))

    def check_syntax(self, program: str) -> tuple[Diagnostic, ...]:
        return ()

    def execute(self, program: str, test: Test, limits: Limits) -> Execution:
        return Execution(Status.OK, "hello from Python")

    def ready(self, file: str, test: Test, limits: Limits) -> Ready | None:
        return self.made

    def understood(self, told: bytes, limits: Limits) -> Execution:
        if not told:
            return Execution(Status.RUNTIME_ERROR, diagnostics=(Diagnostic("a call has failed"),))
        return Execution(Status.OK, told.decode())


class Fails(Greeter):
    """Its second call returns 0."""

    calls = (DONE, NOTHING, DONE)


def _bad() -> int:
    raise ctypes.ArgumentError("no such argument")


class Raises(Greeter):
    """Its call raises what calls do not raise."""

    calls = ((_bad, ()),)


class NotReady(Greeter):
    """It cannot make anything ready."""

    def ready(self, file: str, test: Test, limits: Limits) -> Ready | None:
        raise KeyError(file)


class Misunderstands(Greeter):
    """It has a mistake of its own."""

    def understood(self, told: bytes, limits: Limits) -> Execution:
        raise KeyError(told)
