"""The papers' test: the mean score of crops at random places, in place of a fixed grid.

REQA's code draws 25 crops of a photo, DEIQT's, which SHDIQA follows, 10. The places depend on the
seed of the run and on the photo alone, so a test can be repeated.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.base import Dataset
from biqa_cli.errors import ImageError
from biqa_cli.images.border import without_border
from biqa_cli.images.reading import read_photo
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import InputContract
from biqa_cli.models.views import view_of
from biqa_cli.threads import map_ahead

_Crops = NDArray[np.float32] | str
"""(n, 3, size, size), or why there are none."""


def score_random_crops(
    data: Dataset,
    indices: Sequence[int],
    model: LoadedModel,
    *,
    crops: int,
    seed: int,
    workers: int,
) -> Iterator[tuple[str, float | None, str]]:
    """Yield path, native score and error of each image.

    Args:
        data: The images.
        indices: Which of them, in order.
        model: Whose contract has crops (`reads_crops`).
        crops: Of each photo's view.
        seed: Of the places.
        workers: Threads that read photos.
    """
    read = partial(_crops_of, data, model.spec.input, crops=crops, seed=seed)
    found = map_ahead(read, indices, workers=workers, ahead=2 * workers)
    for index, cut in zip(indices, found, strict=True):
        path = data.images[index].path
        if isinstance(cut, str):
            yield path, None, cut
        else:
            yield path, float(model.engine.predict(cut).scores.mean()), ""


def reads_crops(model: LoadedModel) -> bool:
    """Return whether a model scores crops of a view, so that they may lie elsewhere."""
    return model.spec.input.crops is not None


def random_places(
    height: int, width: int, *, size: int, crops: int, seed: int, index: int
) -> list[tuple[int, int]]:
    """Return the top left corners (y, x) of random crops, the same for the same arguments.

    Example:
        >>> random_places(512, 384, size=384, crops=2, seed=1, index=7)
        [(100, 0), (46, 0)]
    """
    rng = np.random.default_rng((seed, index))
    ys = rng.integers(height - size + 1, size=crops)
    xs = rng.integers(width - size + 1, size=crops)
    return list(zip(ys.tolist(), xs.tolist(), strict=True))


def _crops_of(
    data: Dataset, contract: InputContract, index: int, *, crops: int, seed: int
) -> _Crops:
    assert contract.crops is not None, "the caller asks"  # noqa: S101  our invariant
    try:
        image = read_photo(data.file(index), at_least=contract.decode_size).image
    except ImageError as error:
        return str(error)
    view, size = view_of(without_border(image), contract), contract.crops.size
    places = random_places(
        contract.height, contract.width, size=size, crops=crops, seed=seed, index=index
    )
    return np.stack([view[:, y : y + size, x : x + size] for y, x in places])
