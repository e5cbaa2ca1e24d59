"""`python -m biqa_cli` is `biqa`."""

import sys

from biqa_cli.signals import code_if_told, stop_on_signals


def main() -> None:
    """Run the command line and end the process."""
    # Before the imports, which take longer than some people wait.
    stop_on_signals()
    try:
        from biqa_cli.cli import main as run
    except BaseException:
        # A signal that comes during an import may come out as any error.
        if (code := code_if_told()) is not None:
            sys.exit(code)
        raise
    run()


if __name__ == "__main__":
    main()
