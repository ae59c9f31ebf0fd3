"""Prefect flows around the DVC pipeline."""

import os

# Nothing here phones home; a user who wants it sets these before. Prefect reads them on import.
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
if "PREFECT_API_URL" not in os.environ:
    # Ctrl-C ends Prefect's temporary server as well; waiting a minute for it is in vain.
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", "0")
