"""The 24 distortions at four levels: pure functions on images in [0, 1]."""
