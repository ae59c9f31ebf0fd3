"""What an ingest left in a folder."""

import json


def state(root):
    """Return the inode and time of every file: what was not touched has both as before."""
    return {
        path.relative_to(root).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in (root / "data").rglob("*")
        if path.is_file()
    }


def records(root):
    """Return what was refused and why, by name."""
    lines = (root / "data/quarantine/quarantine.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["name"]: record for record in map(json.loads, lines)}
