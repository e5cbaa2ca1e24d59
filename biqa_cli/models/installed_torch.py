"""PyTorch is an extra: what needs it asks here first, and says in one line how to get it."""

from importlib.util import find_spec

from biqa_cli.errors import DependencyError


def has_torch() -> bool:
    """Return whether PyTorch is installed; it is not imported."""
    return find_spec("torch") is not None


def require_torch(purpose: str, *, extra: str = "torch") -> None:
    """Refuse what needs PyTorch where it is missing.

    Args:
        purpose: What needs it, as the start of a sentence.
        extra: What to install, where more than PyTorch is needed.

    Raises:
        DependencyError: If it is not installed.
    """
    if not has_torch():
        msg = f"{purpose} needs PyTorch, which is not installed: pip install 'biqa-cli[{extra}]'"
        raise DependencyError(msg)
