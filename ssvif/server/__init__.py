"""`ssvif serve`: fusing over HTTP."""
