"""Variables of a MATLAB file."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biqa_cli.errors import UsageError


def mat_vectors(path: Path, *names: str) -> list[NDArray[Any]]:
    """Return variables of a .mat file, each flattened; a cell array of strings becomes strings.

    Raises:
        UsageError: If the file cannot be read or lacks a variable.
    """
    # SciPy has no type stubs here.
    from scipy.io import loadmat  # type: ignore[import-untyped, unused-ignore]
    from scipy.io.matlab import MatReadError  # type: ignore[import-untyped, unused-ignore]

    try:
        variables = loadmat(path, variable_names=list(names))
    # A damaged file fails in any of these ways, one of HDF5 (version 7.3) in the fourth.
    except (OSError, ValueError, TypeError, NotImplementedError, KeyError, MatReadError) as error:
        msg = f"cannot read {path} as a MATLAB file: {error}"
        raise UsageError(msg) from error
    missing = [name for name in names if name not in variables]
    if missing:
        msg = f"{path} has no variable {missing[0]}: it is not the file of the release"
        raise UsageError(msg)
    return [_flat(np.asarray(variables[name])) for name in names]


def numbers(path: Path, name: str, *, like: int) -> NDArray[np.float64]:
    """Return a variable of a .mat file as that many numbers.

    Raises:
        UsageError: If it is not numeric or has another length.
    """
    (values,) = mat_vectors(path, name)
    if values.dtype.kind not in "biuf" or len(values) != like:
        msg = f"{path}: {name} has {len(values)} values of type {values.dtype}, expected {like}"
        raise UsageError(f"{msg} numbers: the files of the release do not fit together")
    return values.astype(np.float64)


def _flat(variable: NDArray[Any]) -> NDArray[Any]:
    if variable.dtype != object:
        return variable.ravel()
    return np.array([_string(cell) for cell in variable.ravel()], dtype=np.str_)


def _string(cell: Any) -> str:  # noqa: ANN401  whatever MATLAB put into a cell
    return str(cell.item()) if isinstance(cell, np.ndarray) and cell.size == 1 else ""
