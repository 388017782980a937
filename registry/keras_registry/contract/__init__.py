"""The contract kit: what a serialisable Keras object promises, and functions that check it.

A promise is a `Check`; a `Subject` is a registered object with what its author says of it. The
runner is the only thing that calls checks: the command line and pytest are shells around it.
"""

from keras_registry.contract.checked import Checked
from keras_registry.contract.collecting import (
    BoundCheck,
    backend_in_use,
    bind,
    subjects_of,
    subjects_of_target,
)
from keras_registry.contract.fresh import start_fresh
from keras_registry.contract.golden_recording import (
    Recorded,
    check_target,
    record_golden_files,
)
from keras_registry.contract.results import CheckError, Failure, Result, Skip, Status
from keras_registry.contract.runner import CHECK_SET, CHECKS, checks_for, find_check, run_check
from keras_registry.contract.subjects import Case, Subject
from keras_registry.contract.table import Check

__all__ = [
    "CHECKS",
    "CHECK_SET",
    "BoundCheck",
    "Case",
    "Check",
    "CheckError",
    "Checked",
    "Failure",
    "Recorded",
    "Result",
    "Skip",
    "Status",
    "Subject",
    "backend_in_use",
    "bind",
    "check_target",
    "checks_for",
    "find_check",
    "record_golden_files",
    "run_check",
    "start_fresh",
    "subjects_of",
    "subjects_of_target",
]
