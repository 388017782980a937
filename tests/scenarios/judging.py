"""One file under all policies."""

from __future__ import annotations

__all__ = ["JUDGE", "POLICIES"]

POLICIES = ("strict", "compatible", "permissive")

JUDGE = """\
import json
import sys
import warnings

import keras

import keras_registry

assert not any(name.startswith(("acme_layers", "moved_layers")) for name in sys.modules)
found = {}
for policy in ("strict", "compatible", "permissive"):
    with warnings.catch_warnings(record=True) as caught, keras_registry.policy(policy):
        warnings.simplefilter("always")
        try:
            model = keras.saving.load_model(sys.argv[1])
        except keras_registry.LoadError as error:
            loads, findings, text = False, error.findings, str(error)
        else:
            loads, findings = True, keras_registry.report(model).findings
    found[policy] = {
        "loads": loads,
        "findings": [(item.code, item.level[0].upper()) for item in findings],
        "lines": 0 if loads else len(text.splitlines()),
        "warned": [
            warning.message.finding.code
            for warning in caught
            if issubclass(warning.category, keras_registry.KerasRegistryWarning)
        ],
    }
print(json.dumps(found))
"""
"""Argument: a model file. Prints JSON: what a load of it does under each policy, one by one."""
