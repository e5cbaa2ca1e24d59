"""Where the store lies unless a user says otherwise."""

import os
from pathlib import Path

import platformdirs

STORE_NAME = "scores.sqlite"


def default_store() -> Path:
    """Return the user's database of known scores: `BIQA_STORE`, or one in the platform's cache."""
    chosen = os.environ.get("BIQA_STORE")
    if chosen:
        return Path(chosen)
    try:
        return platformdirs.user_cache_path("biqa") / STORE_NAME
    except RuntimeError:
        # Neither HOME nor an account: a place where nothing can be kept.
        return Path(os.devnull) / "no-home-directory" / STORE_NAME
