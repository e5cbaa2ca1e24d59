"""The boundary between the program and its user: errors become one line and an exit code."""

import logging
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from biqa_cli.cli import _output
from biqa_cli.errors import BiqaError, OutputError, UsageError, did_you_mean
from biqa_cli.signals import Stopped, code_if_told

# What a command may end with, beside 0 and the codes of errors.
BELOW_THRESHOLD, SOME_FAILED, NOBODYS_FAULT, INTERRUPTED = 1, 3, 4, 130
_PIPE_CLOSED = 141

_GIVEN = "biqa.given"
"""Where a context of Typer's keeps the arguments of the command line."""

_NOT_ONE_OF = re.compile(r"'(?P<given>[^']*)' is not one of (?P<known>.*)", re.DOTALL)

logger = logging.getLogger(__name__)


class ErrorBoundary(TyperGroup):
    """A group of commands none of which ends in a traceback."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Keep what was given: an error may be about a file that looks like an option."""
        ctx.meta[_GIVEN] = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  Typer vendors Click: its types are private
        """Run a command; turn errors into one line on stderr and the exit code of their kind."""
        try:
            result = super().invoke(ctx)
            _output.flush()
        except (typer.Exit, typer.Abort, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001  whatever it is, it has a line and a code
            raise SystemExit(_told(error, given=ctx.meta[_GIVEN])) from None
        return result


def run(app: Callable[[], object]) -> int:
    """Run the command line in this process, and return its exit code."""
    _output.prepare_streams()
    code: object = 0
    try:
        app()
    except SystemExit as end:
        # Typer makes Ctrl-C of every signal that comes while it parses.
        code = (code_if_told() or INTERRUPTED) if end.code == INTERRUPTED else end.code
    except BaseException as error:  # noqa: BLE001  such as a help text on a full disk
        code = _told(error)
    try:
        _output.flush()
    except BaseException as error:  # noqa: BLE001  the last rows may be what does not fit
        code = code or _told(error)
    _output.end_talk()
    return code if isinstance(code, int) else int(code is not None)


def _told(error: BaseException, *, given: Sequence[str] = ()) -> int:
    """Say in one line what went wrong, and return the exit code."""
    logger.info("where it went wrong:", exc_info=error)
    code, line = _ending(error)
    if isinstance(error, (UsageError, typer.TyperException)):
        line += _of_a_file_like_an_option(given)
    if line:
        _output.problem(line)
    if code in (NOBODYS_FAULT, _PIPE_CLOSED):
        # Python would complain once more when it flushes stdout at exit.
        _output.give_up_stdout()
    return code


def _ending(error: BaseException) -> tuple[int, str]:
    """Return the exit code of an error and its line, which is empty where nobody needs one."""
    stopped_by = code_if_told()
    if stopped_by is not None and not isinstance(error, OutputError):
        # A signal that comes while C code imports or calls back may come out as any other error.
        return stopped_by, "interrupted"
    match error:
        case BiqaError():
            ending = error.exit_code, str(error)
        case typer.TyperException():
            ending = error.exit_code, _in_our_words(error)
        case KeyboardInterrupt():
            code = error.exit_code if isinstance(error, Stopped) else INTERRUPTED
            ending = code, "interrupted"
        case BrokenPipeError():
            # The reader has seen enough (`biqa score … | head`).
            ending = _PIPE_CLOSED, ""
        case MemoryError():
            ending = NOBODYS_FAULT, "there is not enough memory"
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            ending = NOBODYS_FAULT, f"{where}{error.strerror or error}"
        case _:
            reason = f"{type(error).__name__}: {error}".removesuffix(": ")
            ending = (
                NOBODYS_FAULT,
                f"a fault of biqa itself ({reason}): -v shows where, please report it",
            )
    return ending


def _of_a_file_like_an_option(given: Sequence[str]) -> str:
    """Return how to name a file that begins with a dash; empty where none was given."""
    options = given[: given.index("--")] if "--" in given else given
    for name in options:
        if name.startswith("-") and name != "-" and os.path.isfile(name):  # noqa: PTH113  a name may be too long
            return f" (the file {name} is taken for an option: write ./{name}, or -- before it)"
    return ""


def _in_our_words(error: typer.TyperException) -> str:
    """Return what is wrong with the command line."""
    text = error.format_message()
    option = getattr(error, "param", None)
    if (choice := _NOT_ONE_OF.search(text)) and option is not None:
        known = re.findall(r"'([^']*)'", choice["known"])
        given = choice["given"]
        return f"{max(option.opts, key=len)} cannot be {given!r}: {did_you_mean(given, known)}"
    context = getattr(error, "ctx", None)
    if context is None or "\n" in text:
        return text
    return f"{text.rstrip('.')}: see {context.command_path} --help"
