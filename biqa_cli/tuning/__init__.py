"""A personal model from a few ratings or choices of one's own."""
