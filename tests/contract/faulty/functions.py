"""Faulty functions."""

from keras import ops

from tests.contract.faults import fault, twin


@twin()
def swish_like(x):
    """Return `x * sigmoid(1.5 x)`."""
    return x * ops.sigmoid(1.5 * x)


@fault(
    "a cast to float32 changes the dtype under mixed precision",
    check="function_keeps_batch_and_dtype",
    names="dtype",
)
def in_float32(x):
    """Return a tangent, always as float32."""
    return ops.tanh(ops.cast(x, "float32"))


@fault(
    "the mean is taken over the batch",
    check="function_keeps_batch_and_dtype",
    names="shape",
)
def over_the_batch(x):
    """Return the mean."""
    return ops.mean(ops.tanh(x), axis=0)


@fault(
    "`where` chooses between branches, and the gradient of the other one is NaN",
    check="function_has_a_finite_gradient",
    names="gradient",
)
def root_of_positive(x):
    """Return the root of what is positive, and 0 for the rest."""
    return ops.where(x > 0, ops.power(x, 0.5), ops.zeros_like(x))


@fault(
    "steps have no gradient, so nothing before them learns",
    check="function_has_a_finite_gradient",
    names="gradient",
)
def steps(x):
    """Return whole numbers."""
    return ops.round(x)


@fault(
    "the logarithm of an exponential overflows",
    check="function_is_finite",
    names="naive_softplus",
    also=["function_has_a_finite_gradient"],
)
def naive_softplus(x):
    """Return what `softplus` should."""
    return ops.log(1.0 + ops.exp(x))


@fault(
    "numbers are looked at in Python",
    check="function_runs_compiled",
    names="normalised_if_large",
    also=["function_has_a_finite_gradient"],
)
def normalised_if_large(x):
    """Return a tangent, of smaller numbers if they are large."""
    if float(ops.max(ops.abs(x))) > 1e6:
        x = x / 1e6
    return ops.tanh(x)


@fault(
    "the size of the batch is read from `shape`, where it is None while `fit` compiles",
    check="function_runs_compiled",
    names="flattened",
    backend="tensorflow",
)
def flattened(x):
    """Return a tangent of all that belongs to a sample."""
    return ops.tanh(ops.reshape(x, (x.shape[0], -1)))
