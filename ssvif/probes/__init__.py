"""Small fixed segmenters, trained on one kind of image: what it is worth downstream."""
