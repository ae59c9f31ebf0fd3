"""Self-supervised visible and infrared image fusion that serves segmentation."""

__version__ = "0.1.0"
