"""biqa: how good is a photo? Blind image quality assessment."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from biqa_cli.api import (
        BlockScore,
        Flaw,
        ImageResult,
        LoadedModel,
        Picture,
        ScoreMap,
        load_model,
        score_image,
        score_images,
        score_map,
    )

__version__ = "0.1.0"
__all__ = [
    "BlockScore",
    "Flaw",
    "ImageResult",
    "LoadedModel",
    "Picture",
    "ScoreMap",
    "load_model",
    "score_image",
    "score_images",
    "score_map",
]


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def __getattr__(name: str) -> Any:  # noqa: ANN401  PEP 562: whatever the API holds
    # The API needs NumPy and Pillow; `biqa --help` should not wait for them.
    if name in __all__:
        from biqa_cli import api

        return getattr(api, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
