"""The block-partition engine: where blocks lie, their pixels, and back to a map."""
