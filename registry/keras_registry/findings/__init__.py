"""Findings: what can be wrong, one table of codes, and how a finding is written out."""

from keras_registry.findings.codes import CODES, Code, Level, Policy
from keras_registry.findings.rendering import count_levels, render_finding, render_findings
from keras_registry.findings.values import Finding, Need, finding, has_errors

__all__ = [
    "CODES",
    "Code",
    "Finding",
    "Level",
    "Need",
    "Policy",
    "count_levels",
    "finding",
    "has_errors",
    "render_finding",
    "render_findings",
]
