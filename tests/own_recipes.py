"""Recipes of one's own, and in what two recipes differ."""

from pathlib import Path


def differing(one: dict[str, object], other: dict[str, object]) -> list[str]:
    """Return the keys in which two recipes differ, with their sections."""
    found = []
    for key, value in one.items():
        if isinstance(value, dict):
            there = other[key]
            assert isinstance(there, dict)
            found += [f"{key}.{name}" for name in value if value[name] != there[name]]
        elif value != other[key]:
            found.append(key)
    return found


def own(folder: Path, text: str) -> Path:
    """Write a recipe into a folder."""
    file = folder / "mine.toml"
    file.write_text(text)
    return file
