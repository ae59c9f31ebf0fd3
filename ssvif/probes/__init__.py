"""What an image is worth downstream: a small fixed segmenter, trained on one kind of image."""
