"""Tests of the load side: who has each object, and what is to be said about it."""
