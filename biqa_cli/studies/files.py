"""Studies from TOML: one's own, or a shipped one by its name."""

import tomllib
from pathlib import Path

import msgspec
import tomli_w

from biqa_cli.errors import UsageError, did_you_mean
from biqa_cli.studies.record import Study

SHIPPED = Path(__file__).with_name("shipped")


def shipped_studies() -> dict[str, Study]:
    """Return the studies of the package by their names."""
    return {path.stem: _study(path) for path in sorted(SHIPPED.glob("*.toml"))}


def load_study(given: str) -> Study:
    """Return a shipped study by its name, or one from a TOML file.

    Raises:
        UsageError: If there is none, or a key or value of it does not exist.
    """
    named, path = SHIPPED / f"{given}.toml", Path(given)
    if path.suffix != ".toml" and named.is_file():
        return _study(named)
    if not path.is_file():
        hint = did_you_mean(given, sorted(file.stem for file in SHIPPED.glob("*.toml")))
        msg = f"there is no study {given!r}: give a TOML file or a name, {hint}"
        raise UsageError(msg)
    return _study(path)


def to_toml(study: Study) -> str:
    """Return a study as TOML that `load_study` reads back."""
    return tomli_w.dumps(msgspec.to_builtins(study))


def _study(path: Path) -> Study:
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"cannot read the study {path}: {error}"
        raise UsageError(msg) from error
    if isinstance(plain.get("seeds"), str):
        from biqa_cli.evaluation.parts import parse_seeds

        plain["seeds"] = parse_seeds(plain["seeds"])
    try:
        study = msgspec.convert(plain, Study)
    except msgspec.ValidationError as error:
        msg = f"the study {path}: {error}"
        raise UsageError(msg) from error
    _check_sense(study, str(path))
    return study


def _check_sense(study: Study, source: str) -> None:
    """Raise UsageError for values that cannot work together."""
    names = [variant.name for variant in study.variants]
    if twice := next((name for name in names if names.count(name) > 1), None):
        msg = f"the study {source} has two variants {twice!r}: give each a name of its own"
        raise UsageError(msg)
    table, trains = study.table, [v for v in study.variants if not v.model]
    if not study.variants or trains:
        homeless = [v.name for v in trains if not (v.family or study.family)]
        if homeless or not (study.variants or study.family):
            msg = f"the study {source} does not say whose recipe it trains: set family"
            raise UsageError(msg)
    if table.rows == table.columns:
        msg = f"the study {source}: rows and columns of its table are both {table.rows}"
        raise UsageError(msg)
    if "group" in (table.rows, table.columns) and study.per is None:
        msg = f"the study {source} has groups in its table: say of what with per"
        raise UsageError(msg)
    for row, cells in (study.printed.values if study.printed else {}).items():
        for column, numbers in cells.items():
            if len(numbers) != len(table.metrics):
                msg = (
                    f"the study {source}: printed {row}, {column} has {len(numbers)} numbers for "
                    f"{len(table.metrics)} metrics; write nan for one that is not printed"
                )
                raise UsageError(msg)
