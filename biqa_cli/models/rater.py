"""What gives a score: all that it depends on besides the photo."""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

from biqa_cli.models.loading import LoadedModel
from biqa_cli.store.records import Rater
from biqa_cli.weights.manifest import load_manifest

SCORING_VERSION = 3
"""Raised whenever a change of the code gives a photo another score: known scores are void then."""

_LIBRARIES = {"onnx": "onnxruntime", "openvino": "openvino", "torch": "torch"}
"""Of engines. That of OpenVINO computes in bfloat16: its scores are those of another rater."""
_DECODERS = ("pillow", "pillow-heif", "pillow-jxl-plugin", "rawpy")
"""What makes the pixels: those of the extras only where they are installed."""


def rater_of(model: LoadedModel) -> Rater:
    """Return what the store takes for one rater: all that may decide the last digit of a score."""
    engine, spec = model.engine, model.spec
    facts = {
        "scoring": SCORING_VERSION,
        "weights": model.weights_sha256,
        # Weights that were listed and are no more are an earlier version's; others a user's own.
        "is_listed": load_manifest().listed(model.weights_sha256) is not None,
        "graph": model.graph_sha256,
        "engine": f"{engine.name} {version(_LIBRARIES[engine.name])}",
        "device": engine.device,
        "decoders": _installed_decoders(),
        "input": asdict(spec.input),
        "scale": asdict(spec.scale),
        "network": [spec.family, *spec.backbones, dict(spec.options)],
    }
    text = json.dumps(facts, sort_keys=True)
    return Rater(hashlib.sha256(text.encode()).hexdigest(), spec.name, text)


def is_current(rater: Rater) -> bool:
    """Return whether a rater can give scores with what is installed here.

    Weights of one's own count as current: nobody knows whether their file is still there.
    """
    try:
        facts = json.loads(rater.facts)
        is_listed = load_manifest().listed(facts["weights"]) is not None
        weights_are_current = is_listed or not facts["is_listed"]
        return bool(
            weights_are_current
            and facts["scoring"] == SCORING_VERSION
            and facts["decoders"] == _installed_decoders()
            and facts["engine"] in _installed_engines()
        )
    except (ValueError, KeyError, TypeError):
        return False


def _installed_engines() -> list[str]:
    installed = _installed(_LIBRARIES.values())
    return [f"{name} {installed[lib]}" for name, lib in _LIBRARIES.items() if lib in installed]


def _installed_decoders() -> dict[str, str]:
    return _installed(_DECODERS)


def _installed(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    versions = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions
