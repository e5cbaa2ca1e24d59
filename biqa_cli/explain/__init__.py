"""Where a photo is bad, and what a network looks at."""
