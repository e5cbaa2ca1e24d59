"""Where the backbones of a network are is where its constructor has put them."""

from typing import Any

import pytest
from rated_miniature import use_tiny_backbones
from tiny_backbone import TinyBackbone

from biqa_cli.models.backbone_slots import backbone_slots
from biqa_cli.models.build import assemble_network, backbone_count
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import Family


@pytest.mark.parametrize(
    ("family", "options", "count"),
    [
        ("blockiqa", {}, 1),
        ("qualitynet", {"chains": "both"}, 2),
        ("qualitynet", {"chains": 1}, 1),
        ("qualitynet", {"chains": 2}, 1),
        ("reqa", {}, 1),
        ("shdiqa", {"width": 24, "heads": 2}, 1),
        ("nlnet", {"branches": "both"}, 1),
        ("nlnet", {"branches": "local"}, 1),
        ("nlnet", {"branches": "nonlocal"}, 0),
    ],
)
def test_a_slot_holds_a_backbone(
    family: Family, options: dict[str, Any], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_tiny_backbones(monkeypatch)
    names = ("efficientnet-lite0", "efficientnet-lite2")[: backbone_count(family)]
    network = assemble_network(family, names, options=options)
    slots = backbone_slots(family, names, with_defaults(family, options))
    assert len(slots) == count
    assert all(isinstance(slot.of(network), TinyBackbone) for slot in slots)
    chosen = names[1:] if options.get("chains") == 2 else names[:count]
    assert tuple(slot.backbone for slot in slots) == chosen


def test_of_a_vit_the_slot_is_the_whole_encoder() -> None:
    options = with_defaults("shdiqa", {})
    for backbone, prefix in (
        ("vit-s16", "student.encoder.vit."),
        ("resnet50", "student.encoder.vit.embedding.backbone."),
    ):
        (slot,) = backbone_slots("shdiqa", (backbone,), options, prefix="student.")  # type: ignore[arg-type]
        assert slot.prefix == prefix
