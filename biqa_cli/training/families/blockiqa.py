"""BlockIQA: squared error on labels of 0 to 1 (eq. 12)."""

from torch.nn import functional as F

from biqa_cli.training.families.base import Batch, Phase, Setting, Terms


def phases(setting: Setting) -> tuple[Phase, ...]:
    """Return the one phase of BlockIQA."""
    network = setting.build()

    def loss(batch: Batch) -> Terms:
        return {"loss": F.mse_loss(network(batch.images).scores.float(), batch.labels)}

    return (
        Phase(
            name="",
            epochs=setting.recipe.schedule.epochs,
            learner=network,
            network=network,
            prefix="",
            loss=loss,
            val_loss=F.mse_loss,
        ),
    )
