"""Scoring on the machines of a Ray cluster. Needs ray (an extra).

`score_dataset` is for those who have a data set of Ray Data. `score_on_ray` is what `biqa score
--ray` calls: the photos that this process finds go to actors that hold the model.
"""

from biqa_cli.ray.cluster import LOCAL, cluster, most_actors, require_ray
from biqa_cli.ray.datasets import score_dataset
from biqa_cli.ray.photos import score_on_ray

__all__ = ["LOCAL", "cluster", "most_actors", "require_ray", "score_dataset", "score_on_ray"]
