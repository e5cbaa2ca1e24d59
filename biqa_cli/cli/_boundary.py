"""The boundary between the program and its user: errors become one line and an exit code."""

import os
import sys
from typing import Any

from typer.core import TyperGroup

from biqa_cli.cli import _output
from biqa_cli.errors import BiqaError

INTERRUPTED = 130
_PIPE_CLOSED = 141


class ErrorBoundary(TyperGroup):
    """A group of commands none of which ends in a traceback for what a user can mend."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  Typer vendors Click: its types are private
        """Run a command; turn errors into one line on stderr and the exit code of their kind."""
        try:
            return super().invoke(ctx)
        except BiqaError as error:
            _output.problem(str(error))
            raise SystemExit(error.exit_code) from error
        except KeyboardInterrupt:
            _output.problem("interrupted")
            raise SystemExit(INTERRUPTED) from None
        except BrokenPipeError:
            # The reader has seen enough (`biqa score … | head`). Python would complain once more
            # when it flushes stdout at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(_PIPE_CLOSED) from None
