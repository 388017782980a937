"""Objects with one mistake each, by kind; `tests.contract.faults` says what is known of each."""
