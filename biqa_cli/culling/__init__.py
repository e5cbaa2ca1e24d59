"""What to do with the photos of a shoot: their groups, a decision for each, and carrying it out."""
