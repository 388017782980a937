"""Documents that others wrote: their forms, how they are read, and what is wrong with them."""

from keras_registry.documents.codec import (
    DocumentReading,
    Format,
    Problem,
    dump_part,
    generator,
    read_part,
    with_known_kinds,
)
from keras_registry.documents.forms import Form
from keras_registry.documents.validation import version_findings, worst_problem

__all__ = [
    "DocumentReading",
    "Form",
    "Format",
    "Problem",
    "dump_part",
    "generator",
    "read_part",
    "version_findings",
    "with_known_kinds",
    "worst_problem",
]
