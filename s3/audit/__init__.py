"""The audit: what a synthetic set repeats of itself and of gold data."""

from s3.audit.auditor import Audit, Auditor, Findings

__all__ = ["Audit", "Auditor", "Findings"]
