import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rated_photos import loaded, rated_greys
from tiny_training import Listener, quick_recipe, request

from biqa_cli.distortions.examples import Clean
from biqa_cli.errors import UsageError
from biqa_cli.training.decoding import clean_photos, other_photos


@pytest.mark.parametrize("better", [True, False])
def test_labels_of_another_data_set_rise_where_those_of_the_first_do(
    tmp_path: Path, *, better: bool
) -> None:
    labels = {value: float(value) for value in range(0, 100, 10)}
    first = loaded(rated_greys(tmp_path, labels))
    scale = replace(first.scale, lowest=0, highest=100, higher_is_better=better)
    other = replace(first, name="csv:other", scale=scale)
    asked = request(first, quick_recipe("also.weight=1"), tmp_path / "out", also=(other,))
    ((found, photos),) = other_photos(asked, math.inf, Listener())
    assert found is other and len(photos.indices) == 5
    shares = [other.images[index].mos / 100 for index in photos.indices]
    expected = shares if better else [1 - share for share in shares]
    assert photos.labels.tolist() == pytest.approx(expected)


def test_photos_without_flaws_are_found_with_their_size(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.zeros((60, 90, 3), np.uint8)).save(photo)
    assert clean_photos([tmp_path]) == (Clean(photo, 5400),)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="has no photos"):
        clean_photos([tmp_path / "empty"])
    (tmp_path / "broken.png").write_bytes(photo.read_bytes()[:70])
    with pytest.raises(UsageError, match=r"broken\.png: .* take it out"):
        clean_photos([tmp_path])
