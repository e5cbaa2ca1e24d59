"""Image quality data sets in the layouts of their authors: records of images and scores."""
