"""The budgets of keras-registry, measured side by side with plain Keras in one run.

``python -m benchmarks`` prints a ratio for each budget; nothing here is a test.
"""
