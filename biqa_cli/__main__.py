"""`python -m biqa_cli` is `biqa`."""

from biqa_cli.cli import main

if __name__ == "__main__":
    main()
