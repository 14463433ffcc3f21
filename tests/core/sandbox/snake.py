"""Python as an embedded language: programs that can make any system call. For tests of the isolation."""

from __future__ import annotations

from lowres_code.language.base import Diagnostic, EmbeddedLanguage, Execution, Limits, Status
from lowres_code.problem import Test


class Snake(EmbeddedLanguage):
    """A program is Python that sets ``answer``."""

    name, title, suffix, fences, guidance = "snake", "Snake", ".py", ("python",), ""

    def load(self, warm_up: str) -> None:
        """What programs use is imported before."""
        import ctypes
        import os
        import signal
        import socket

        self.names = {"ctypes": ctypes, "os": os, "signal": signal, "socket": socket, "libc": ctypes.CDLL(None)}

    def check_syntax(self, program: str) -> tuple[Diagnostic, ...]:
        """Nothing is looked for."""
        return ()

    def execute(self, program: str, test: Test, limits: Limits) -> Execution:
        """Run it here."""
        names = dict(self.names)
        try:
            exec(program, names)
        except Exception as error:
            return Execution(Status.RUNTIME_ERROR, diagnostics=(Diagnostic(repr(error)),))
        return Execution(Status.OK, answer=str(names["answer"]))


class Threading(Snake):
    """It leaves a thread running."""

    def load(self, warm_up: str) -> None:
        """Start it."""
        import threading

        super().load(warm_up)
        threading.Thread(target=threading.Event().wait, name="mine", daemon=True).start()
