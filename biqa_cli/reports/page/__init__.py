"""The report that people look at: one page of photos with their scores, for any browser."""
