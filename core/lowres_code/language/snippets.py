"""The small programs by which conformance tests a language: their names, and what each must do.

Only ``hello`` is needed. Of the others a language gives those that it can. `lang verify` puts its own values in place
of ``@PATH@``, ``@PORT@`` and ``@VARIABLE@``.
"""

from __future__ import annotations

SNIPPETS: dict[str, str] = {
    "hello": "answers hello",
    "syntax_error": "its first line is right, a later one cannot be read",
    "runtime_error": "can be read, and fails when it runs",
    "loop": "computes without end",
    "memory": "takes more and more memory, and keeps it",
    "flood": "prints without end",
    "fork": "starts processes without end",
    "stdin": "answers the line that it reads on standard input",
    "close_stdout": "closes standard output, then ends",
    "exit_early": "ends with exit code 0 before its last line, which would answer hello",
    "write_outside": "writes into the file @PATH@",
    "network": "connects to port @PORT@ of 127.0.0.1",
    "environment": "answers the value of the environment variable @VARIABLE@, or something else if there is none",
    "state": "answers seen if a file state is in the working directory; else makes one and answers clean",
    "non_utf8": "prints the one byte 255",
    "defines": "prints nothing, and defines what appended tests; only for an [append]",
    "appended": "tests that are code and pass behind defines, with a line for each of the checks; only for an [append]",
}
