"""Agreement with people: correlations, deviations, mappings, uncertainty. Pure NumPy and SciPy."""
