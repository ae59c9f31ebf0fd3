"""Prefect flows around the DVC pipeline."""

import os

# Nothing here phones home; a user who wants it sets these before. Prefect reads them on import.
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
