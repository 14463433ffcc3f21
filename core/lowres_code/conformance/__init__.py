"""Conformance: proves that a backend does what the judge relies on.

``lowres-code lang verify NAME`` on the command line; in a package's own tests one line::

    assert_conforms(MyLanguage())

`checks` tries the language with its own snippets, `isolation_checks` tries its isolation with programs of its own
(`probe`), `soak` runs many programs and looks for leaks; `verify` does all three.
"""

from lowres_code.conformance.result import Check, Report
from lowres_code.conformance.verify import assert_conforms, verify

__all__ = ["Check", "Report", "assert_conforms", "verify"]
