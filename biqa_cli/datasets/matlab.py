"""Variables of a MATLAB file."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biqa_cli.errors import UsageError


def mat_vector(path: Path, name: str) -> NDArray[Any]:
    """Return a variable of a .mat file, flattened; a cell array of strings becomes strings.

    Raises:
        UsageError: If the file cannot be read or lacks the variable.
    """
    # SciPy has no type stubs here.
    from scipy.io import loadmat  # type: ignore[import-untyped, unused-ignore]
    from scipy.io.matlab import MatReadError  # type: ignore[import-untyped, unused-ignore]

    try:
        variables = loadmat(path, variable_names=[name])
    # Damaged files fail in all these ways, those of version 7.3 (HDF5) are not implemented.
    except (
        OSError,
        ValueError,
        TypeError,
        NotImplementedError,
        LookupError,
        NameError,
        OverflowError,
        MatReadError,
        zlib.error,
    ) as error:
        msg = f"cannot read {path} as a MATLAB file: {error}"
        raise UsageError(msg) from error
    if name not in variables:
        msg = f"{path} has no variable {name}: it is not the file of the release"
        raise UsageError(msg)
    variable = np.asarray(variables[name]).ravel()
    if variable.dtype != object:
        return variable
    return np.array([_string(cell) for cell in variable], dtype=np.str_)


def numbers(path: Path, name: str, *, like: int) -> NDArray[np.float64]:
    """Return a variable of a .mat file as that many numbers.

    Raises:
        UsageError: If it is not numeric or has another length.
    """
    values = mat_vector(path, name)
    if values.dtype.kind not in "biuf" or len(values) != like:
        msg = f"{path}: {name} has {len(values)} values of type {values.dtype}, expected {like}"
        raise UsageError(f"{msg} numbers: the files of the release do not fit together")
    return values.astype(np.float64)


def _string(cell: Any) -> str:  # noqa: ANN401  whatever MATLAB put into a cell
    return str(cell.item()) if isinstance(cell, np.ndarray) and cell.size == 1 else ""
