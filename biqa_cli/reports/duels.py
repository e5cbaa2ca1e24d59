"""The pairs of `biqa gmad` as records; as a table, the pairs of each two models for themselves."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import IO

from biqa_cli.reports.records import RecordFormat, write_records
from biqa_cli.reports.rows import Value, printable

COLUMNS = (
    *("defender", "attacker", "level", "defender_differs", "attacker_differs"),
    *("better", "worse"),
)
# The names of models and the long names of columns would leave no room for those of photos.
_SHOWN = {
    "level": "level",
    "defender_differs": "defender",
    "attacker_differs": "attacker",
    "better": "better",
    "worse": "worse",
}


def write_duels(
    stream: IO[str], pairs: Sequence[Mapping[str, Value]], *, kind: RecordFormat
) -> None:
    """Write a record for each pair, which has all `COLUMNS`; those of one defender together."""
    if kind is not RecordFormat.table:
        write_records(stream, pairs, COLUMNS, kind=kind, shown=COLUMNS)
        return
    shown = tuple(_SHOWN.values())
    duels = groupby(pairs, key=lambda pair: (pair["defender"], pair["attacker"]))
    for index, ((defender, attacker), duel) in enumerate(duels):
        gap = "\n" if index else ""
        title = printable(f"{defender} (defender) finds alike, {attacker} (attacker) does not:")
        stream.write(f"{gap}{title}\n")
        rows = [{name: pair[column] for column, name in _SHOWN.items()} for pair in duel]
        write_records(stream, rows, shown, kind=kind, shown=shown)
