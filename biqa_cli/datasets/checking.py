"""What is known of a data set and what a copy of it holds, as plain data."""

from collections import Counter
from typing import Any

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.catalog import DATASETS, DatasetInfo

Facts = dict[str, Any]


def facts_of(info: DatasetInfo) -> Facts:
    """Return what the catalogue says of a data set."""
    return {
        "name": info.name,
        "title": info.title,
        "kind": info.kind,
        "images": info.count,
        "references": info.references,
        "label": info.scale.describe(),
        "higher_is_better": info.scale.higher_is_better,
        "columns": list(info.columns),
        "layout": info.layout,
        "source": info.source,
        "terms": info.terms,
        "citation": info.citation,
    }


def check_copy(dataset: Dataset) -> Facts:
    """Return what a copy holds beside what its authors count; `whole` sums it up.

    Args:
        dataset: From `load_dataset`, without images that are missing.
    """
    known = DATASETS.get(dataset.name)
    labels = [image.mos for image in dataset.images]
    references = {image.reference for image in dataset.images} - {None}
    expected = None if known is None else known.count
    return {
        "name": dataset.name,
        "root": str(dataset.root),
        "images": len(dataset.images),
        "images_expected": expected,
        "references": len(references) or None,
        "references_expected": None if known is None else known.references,
        "label": dataset.scale.describe(),
        "label_lowest": min(labels),
        "label_highest": max(labels),
        "official_parts": _counted([image.official_part for image in dataset.images]),
        "clean_parts": _counted([image.clean_part for image in dataset.images]),
        "whole": not dataset.problems and expected in (None, len(dataset.images)),
    }


def _counted(parts: list[str | None]) -> dict[str, int] | None:
    return dict(Counter(part for part in parts if part is not None)) or None
