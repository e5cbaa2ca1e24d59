"""What gives a score: all that it depends on besides the photo."""

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import version

from biqa_cli.models.loading import LoadedModel
from biqa_cli.store.known_scores import Rater

SCORING_VERSION = 1
"""Raised whenever a change of the code gives a photo another score: known scores are void then."""

_LIBRARIES = {"onnx": "onnxruntime", "torch": "torch"}


def rater_of(model: LoadedModel) -> Rater:
    """Return what the store takes for one rater: all that may decide the last digit of a score."""
    engine, spec = model.engine, model.spec
    facts = {
        "scoring": SCORING_VERSION,
        "weights": model.weights_sha256,
        "graph": model.graph_sha256,
        "engine": f"{engine.name} {version(_LIBRARIES[engine.name])}",
        "device": engine.device,
        # Its decoders and its filter make the pixels.
        "pillow": version("pillow"),
        "input": asdict(spec.input),
        "scale": asdict(spec.scale),
        "network": [spec.family, *spec.backbones, dict(spec.options)],
    }
    text = json.dumps(facts, sort_keys=True)
    return Rater(hashlib.sha256(text.encode()).hexdigest(), spec.name, text)
