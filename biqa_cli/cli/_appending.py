"""What `--append` asks of the other options."""

from pathlib import Path

from biqa_cli.errors import UsageError
from biqa_cli.reports.appending import EarlierRows, earlier_rows
from biqa_cli.reports.formats import Format
from biqa_cli.reports.selection import SortKey


def rows_to_add_to(
    output: Path | None, chosen: Format, *, order: SortKey | None, top: int | None, why: bool
) -> EarlierRows:
    """Return what the report holds that rows are added to.

    Raises:
        UsageError: If no rows can be added to it, or not in that order.
    """
    if output is None:
        raise UsageError("--append adds to a file: name it with -o")
    if order is not None or top is not None:
        raise UsageError("--append adds rows as they come: leave out --sort and --top")
    return earlier_rows(output, chosen, why=why)
