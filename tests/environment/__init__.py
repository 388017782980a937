"""Tests of the environment: installed distributions and plugins."""
