"""The store of known scores: one SQLite database, so that no photo is scored twice."""
