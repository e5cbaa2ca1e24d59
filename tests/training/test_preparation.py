import math
from pathlib import Path

import pytest
from rated_photos import loaded, rated_greys
from tiny_training import Listener, quick_recipe, request

from biqa_cli.errors import UsageError
from biqa_cli.training.preparation import prepare


@pytest.mark.parametrize("finish", [True, False])
def test_only_a_training_with_an_epoch_can_be_finished(tmp_path: Path, *, finish: bool) -> None:
    data = loaded(rated_greys(tmp_path, {value: float(value) for value in range(0, 100, 10)}))
    asked = request(data, quick_recipe(), tmp_path / "out", finish=finish)
    if finish:
        with pytest.raises(UsageError, match=r"no epoch of a training in .* has ended"):
            prepare(asked, math.inf, Listener())
    else:
        job, phases, progress = prepare(asked, math.inf, Listener())
        assert len(phases) == 1 and not progress.rows
        assert len(job.photos.indices) + len(job.photos.val) == 8
