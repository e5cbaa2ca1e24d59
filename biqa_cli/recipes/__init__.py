"""Recipes: everything that a training depends on besides the photos."""
