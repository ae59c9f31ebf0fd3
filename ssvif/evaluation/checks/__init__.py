"""What can be said of fused images, and of a model's branches, without any label."""

from ssvif.evaluation.checks.run import run_checks
from ssvif.evaluation.checks.table import CHECK_BY_NAME, CHECKS, Check, check_image

__all__ = ["CHECKS", "CHECK_BY_NAME", "Check", "check_image", "run_checks"]
