"""The losses of the papers, one module a family."""
