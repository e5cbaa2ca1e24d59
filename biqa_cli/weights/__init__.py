"""Trained weights: what there is, where it lies, and how it gets here."""
