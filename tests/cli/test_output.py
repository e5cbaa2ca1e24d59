"""Talk on stderr shows what a name holds; it never obeys it."""

import pytest

from biqa_cli.cli import _output


def test_talk_is_one_line_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    _output.say("wrote a\x1b[31mb\nc.png")
    assert capsys.readouterr().err == "wrote a\\x1b[31mb\\nc.png\n"


def test_a_problem_keeps_its_lines_and_shows_their_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _output.problem("a\x1b[31mb.jpg:\nno such file\x07")
    assert capsys.readouterr().err == "biqa: a\\x1b[31mb.jpg:\nno such file\\x07\n"
