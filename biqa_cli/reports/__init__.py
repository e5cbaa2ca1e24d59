"""From results to text: one module for each format."""
