"""All that touches Keras's saving: the hooks, and the explicit functions that do the same.

`activation` is imported with keras_registry; the rest only once Keras is there.
"""
