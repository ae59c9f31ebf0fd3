"""Prefect flows around the DVC pipeline."""

import os

# Nothing here phones home; a user who wants it sets these before. Prefect reads them on import.
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

# A server on this machine is not asked through a proxy. The name in small letters wins.
_PROXY_FREE = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
for _name in ("no_proxy", "NO_PROXY"):
    os.environ[_name] = ",".join(filter(None, (_PROXY_FREE, "127.0.0.1,localhost")))
