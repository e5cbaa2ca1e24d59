"""NLNet: quality, order of pairs, and the type of distortion where the data set has types."""

from typing import cast

import numpy as np
from torch.nn import functional as F

from biqa_cli.errors import UsageError
from biqa_cli.networks.nlnet import NLNet
from biqa_cli.networks.superpixels import superpixel_nodes
from biqa_cli.training.data import Arrays
from biqa_cli.training.families.base import Batch, Phase, Setting, Terms, output_of, with_order
from biqa_cli.training.losses.nlnet import nlnet_loss
from biqa_cli.training.photos import Pixels


def phases(setting: Setting) -> tuple[Phase, ...]:
    """Return the one phase of NLNet; superpixels of crops come from the threads that cut them."""
    recipe = setting.recipe
    network = cast("NLNet", setting.build())
    # A whole photo is cut into its patches by the network, as when it is scored.
    is_whole = recipe.input.crop == 0
    if recipe.order.order_weight and not is_whole:
        raise UsageError("nlnet learns the order of whole photos: set crop=0, or order_weight=0")
    has_nodes = recipe.network["branches"] != "local" and not is_whole

    def nodes_of(crop: Pixels, _rng: np.random.Generator) -> Arrays:
        found = superpixel_nodes(crop[None], nodes=network.nodes, pixels=network.pixels)
        return {"nodes": found.features}

    def loss(batch: Batch) -> Terms:
        if is_whole:
            output = output_of(network, batch)
        else:
            output = network.from_nodes(batch.images[:, None], batch.extras.get("nodes"))
        rated, has_types = len(batch.labels), output.type_logits is not None
        found = nlnet_loss(
            output.scores[:rated],
            batch.labels,
            type_logits=output.type_logits[:rated] if has_types else None,
            types=batch.types if has_types else None,
            plcc_weight=recipe.loss_number("plcc_weight"),
        )
        terms = {"loss": found.total, "quality": found.quality, "ranking": found.ranking}
        if found.type is not None:
            terms["type"] = found.type
        return with_order(terms, output.scores, batch)

    return (
        Phase(
            name="",
            epochs=recipe.schedule.epochs,
            learner=network,
            network=network,
            prefix="",
            loss=loss,
            val_loss=F.smooth_l1_loss,
            extras=nodes_of if has_nodes else None,
            pooled_by=("branches", "patch"),
            noisy=network.local_features,
        ),
    )
