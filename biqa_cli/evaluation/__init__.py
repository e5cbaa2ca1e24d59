"""Evaluation: models or predictions against people's scores of a data set."""
