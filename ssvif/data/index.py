"""What earlier runs of `ingest` found, so that only new files are read.

A cache: losing it costs time and changes no result. It is lost when the code that decides
changes, as what that code found may be out of date.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from ssvif.data.examine import Finding
from ssvif.files import sha256_file, sha256_json, write_changed

INDEX_FILE = Path("data/.ingest.json")

# The modules beside this one that findings depend on.
_DECIDING = (
    *("checks", "duplicates", "examine", "images", "label_files", "labels", "registration"),
    "sharpness",
)


@dataclass(frozen=True)
class LabelFinding:
    """A label file: a hash of all that decided on it, and why it was dropped, if it was."""

    fingerprint: str
    code: str = ""
    sentence: str = ""


@dataclass
class Index:
    """Findings by fingerprint, and labels by kind and pair id."""

    findings: dict[str, Finding] = field(default_factory=dict)
    labels: dict[str, LabelFinding] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "Index":
        """Read an index; one that is missing, damaged or of other code is empty."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["code"] != code_hash():
                return cls()
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
            "code": code_hash(),
            "findings": {key: asdict(value) for key, value in sorted(self.findings.items())},
            "labels": {key: asdict(value) for key, value in sorted(self.labels.items())},
        }
        write_changed(path, json.dumps(content).encode())


@cache
def code_hash() -> str:
    """Return a hash of the code that findings depend on."""
    folder = Path(__file__).parent
    return sha256_json([sha256_file(folder / f"{name}.py") for name in _DECIDING])
