"""`python -m biqa_cli` is `biqa`."""

import sys

from biqa_cli.signals import Stopped, stop_on_signals


def main() -> None:
    """Run the command line and end the process."""
    # Before the imports, which take longer than some people wait.
    stop_on_signals()
    try:
        from biqa_cli.cli import main as run
    except Stopped as stopped:
        sys.exit(stopped.exit_code)
    run()


if __name__ == "__main__":
    main()
