"""Studies: what a paper does with a network, as one record, from runs to a table."""
