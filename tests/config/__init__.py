"""Tests of config schemas: derivation, values, fingerprints and the wrapped class."""
