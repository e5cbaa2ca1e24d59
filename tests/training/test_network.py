from pathlib import Path

import pytest
from biqa_cli.training.config import load_recipe, with_settings
from biqa_cli.training.network import describe_network

from biqa_cli.datasets.base import Dataset, LabelScale
from biqa_cli.models.spec import Crops

NOBODY = Dataset(
    "mini", Path(), "authentic", LabelScale(0, 1, higher_is_better=True, meaning="MOS"), ()
)


@pytest.mark.parametrize(
    ("family", "settings", "crops"),
    [
        ("reqa", (), Crops(224, 144)),
        ("reqa", ("height=448", "width=448", "crop=448", "stride=448"), None),
        ("reqa", ("height=448", "width=896", "crop=448", "stride=448"), Crops(448, 448)),
        ("nlnet", (), None),
    ],
)
def test_a_photo_is_scored_by_crops_where_they_are_smaller_than_its_view(
    family: str, settings: tuple[str, ...], crops: Crops | None
) -> None:
    recipe = with_settings(load_recipe(family), settings)
    described = describe_network(recipe, NOBODY, types=0)
    assert described.input.crops == crops
