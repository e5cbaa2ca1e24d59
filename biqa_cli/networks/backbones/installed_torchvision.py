"""Importing torchvision, with an error that says how to mend the usual broken installation."""

from importlib import metadata
from types import ModuleType
from typing import cast

from biqa_cli.errors import DependencyError

# torchvision 0.N is built for torch 2.(N - 15), since both have had a release together.
_MINOR_OFFSET = 15


def torchvision_models() -> ModuleType:
    """Return the module `torchvision.models`.

    Raises:
        DependencyError: If torchvision is missing or was built for another torch.
    """
    try:
        from torchvision import models
    except (ImportError, RuntimeError, OSError) as error:
        raise DependencyError(_explain(error)) from error
    return cast("ModuleType", models)


def _explain(error: Exception) -> str:
    torch_version = metadata.version("torch")
    try:
        torchvision_version = metadata.version("torchvision")
    except metadata.PackageNotFoundError:
        torchvision_version = "(not installed)"
    minor = int(torch_version.split(".")[1])
    return (
        f"torchvision {torchvision_version} does not fit torch {torch_version} ({error}): run "
        f"`pip install 'torchvision==0.{minor + _MINOR_OFFSET}.*'` from the index torch came from"
    )
