from __future__ import annotations

from lowres_code._util.text import argument_text, bytes_of, text_of


def test_every_byte_comes_back() -> None:
    data = bytes(range(256)) * 2 + "é → 😀".encode()
    assert bytes_of(text_of(data)) == data


def test_a_surrogate_that_is_no_byte_becomes_what_a_reader_makes_of_it() -> None:
    replaced = "\N{REPLACEMENT CHARACTER}" * 3
    assert bytes_of("a\ud800b").decode() == f"a{replaced}b"


def test_an_argument_that_was_read_as_ascii_is_read_as_utf8() -> None:
    assert argument_text("é".encode().decode("ascii", "surrogateescape")) == "é"
    assert argument_text("plain é") == "plain é"
