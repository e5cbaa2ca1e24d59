"""What the shipped studies are, what they need, and how long they take."""

from typing import Any

from biqa_cli.studies.estimates import estimate
from biqa_cli.studies.files import shipped_studies


def facts_of_studies() -> list[dict[str, Any]]:
    """Return the shipped studies as plain data, in the order of their names."""
    found = []
    for name, study in shipped_studies().items():
        cost = estimate(study)
        needed = dict.fromkeys((*study.datasets, *(name for pair in study.pairs for name in pair)))
        found.append(
            {
                "name": name,
                "title": study.title,
                "paper": study.paper,
                "datasets": list(needed),
                "seeds": len(study.seeds),
                "runs": cost.runs,
                "light_hours": round(cost.light_hours, 2),
                "gpu_hours": round(cost.gpu_hours, 2),
                "notes": list(study.notes),
            }
        )
    return found
