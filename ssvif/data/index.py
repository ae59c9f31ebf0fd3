"""What earlier runs of `ingest` found, so that only new files are read.

A cache: losing it costs time and changes no result.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ssvif.data.examine import Finding
from ssvif.files import write_changed

INDEX_FILE = Path("data/.ingest.json")


@dataclass(frozen=True)
class LabelFinding:
    """A label file: the hash of what was read, and why it was dropped, if it was."""

    sha256: str
    code: str = ""
    sentence: str = ""


@dataclass
class Index:
    """Findings by fingerprint, and labels by kind and pair id."""

    findings: dict[str, Finding] = field(default_factory=dict)
    labels: dict[str, LabelFinding] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "Index":
        """Read an index; one that is missing or damaged is empty."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            findings = {key: Finding(**value) for key, value in content["findings"].items()}
            labels = {key: LabelFinding(**value) for key, value in content["labels"].items()}
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return cls()
        return cls(findings, labels)

    def save(self, path: Path) -> None:
        """Write the index.

        Raises:
            StorageError: If it cannot be written.
        """
        content: Mapping[str, object] = {
            "findings": {key: asdict(value) for key, value in sorted(self.findings.items())},
            "labels": {key: asdict(value) for key, value in sorted(self.labels.items())},
        }
        write_changed(path, json.dumps(content).encode())
