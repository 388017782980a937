"""Tests of what the author of a plugin publishes."""
