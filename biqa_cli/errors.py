"""Everything that biqa raises on purpose, and the exit code of each.

BiqaError                    1-line message that says what to do next
├── UsageError               2  an argument or a configuration is wrong
│   └── DependencyError      2  an installed package does not fit or is missing
├── WeightsError             2  a checkpoint is missing, wrong or cannot be had
├── OutputError              4  what is written cannot be: a full disk, a closed stream
├── SidecarError             –  one sidecar cannot be merged: it stays as it is
└── ImageError               –  one image cannot be scored: a row of the report, never the end
"""

import difflib
from collections.abc import Collection


class BiqaError(Exception):
    """Base of all errors that a user can do something about."""

    exit_code = 2


class UsageError(BiqaError, ValueError):
    """An argument or a configuration is wrong."""


class DependencyError(UsageError):
    """An installed package is missing or does not fit another."""


class WeightsError(BiqaError):
    """A checkpoint is missing, is not what the manifest says, or cannot be downloaded."""


class OutputError(BiqaError):
    """Results cannot be written, though what the user asked for was right."""

    exit_code = 4


class ImageError(BiqaError):
    """One image cannot be read; the message becomes its row's `error`."""


class SidecarError(BiqaError):
    """One sidecar cannot be read; the message says why, and follows its name."""


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return the end of an error: the closest of the known names, or all of them.

    Example:
        >>> did_you_mean("jpg", ["jpeg", "blur"]), did_you_mean("x", ["jpeg", "blur"])
        ("did you mean 'jpeg'?", 'there are jpeg, blur')
    """
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
