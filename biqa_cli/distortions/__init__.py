"""The distortions at four levels: pure functions on images in [0, 1].

`distort.py` is the way in. The functions beside it only compute: their results may leave [0, 1]
and are not rounded, `distort` does both. `blockwise.py`, `versions.py` and `examples.py` say which
photos are distorted for a training, and how.
"""
