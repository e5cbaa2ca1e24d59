"""The papers' networks, one file a family, and the backbones below them."""
