"""The rows of `biqa cull` and `biqa group` as records with their columns."""

from collections.abc import Sequence
from datetime import datetime
from typing import IO

from biqa_cli.culling.grouping import Glimpse
from biqa_cli.culling.records import COLUMNS, CullRow
from biqa_cli.reports.records import RecordFormat, write_records
from biqa_cli.reports.rows import Value

GROUP_COLUMNS = ("path", "group", "time")

_SHOWN = ("group", "rank", "score", "stars", "decision", "path", "reason")
_GROUPS_SHOWN = ("group", "time", "path")


def write_decisions(stream: IO[str], rows: Sequence[CullRow], kind: RecordFormat) -> None:
    """Write a record for each row of a cull."""
    records = [
        {column: getattr(row, column) for column in COLUMNS} | {"decision": row.decision.value}
        for row in rows
    ]
    write_records(stream, records, COLUMNS, kind=kind, shown=_SHOWN)


def write_groups(
    stream: IO[str], glimpses: Sequence[Glimpse], groups: Sequence[int], kind: RecordFormat
) -> None:
    """Write a record for each photo, by group and time; the time is that of its camera's clock."""
    found = sorted(
        zip(groups, glimpses, strict=True),
        key=lambda pair: (pair[0], _local(pair[1]) or datetime.max, pair[1].path),  # noqa: DTZ901
    )
    records: list[dict[str, Value]] = [
        {"path": glimpse.path, "group": group, "time": _as_text(glimpse)}
        for group, glimpse in found
    ]
    write_records(stream, records, GROUP_COLUMNS, kind=kind, shown=_GROUPS_SHOWN)


def _local(glimpse: Glimpse) -> datetime | None:
    return None if glimpse.taken is None else glimpse.taken.local


def _as_text(glimpse: Glimpse) -> str:
    """Return a time in ISO 8601, with the offset of the clock where it is known; or nothing."""
    taken = glimpse.taken
    if taken is None:
        return ""
    precision = "milliseconds" if taken.local.microsecond else "seconds"
    text = taken.local.isoformat(timespec=precision)
    if taken.offset is None:
        return text
    minutes = round(taken.offset.total_seconds() / 60)
    return f"{text}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
