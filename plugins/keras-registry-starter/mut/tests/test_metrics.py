"""`Coverage`: its formula, state, weights and shapes."""

import json

import keras
import numpy as np
import pytest

from keras_registry_starter.metrics import Coverage


def make_batch(
    rng: np.random.Generator, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw targets, three bounds for each in ascending order, and which targets are inside."""
    y_true = rng.normal(size=shape).astype("float32")
    y_pred = np.sort(rng.normal(size=(*shape, 3)).astype("float32"), axis=-1)
    return y_true, y_pred, (y_pred[..., 0] <= y_true) & (y_true <= y_pred[..., 2])


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("shape", [(50,), (8, 9), (3, 4, 5)])
def test_coverage_is_the_share_inside(
    rng: np.random.Generator, shape: tuple[int, ...], *, column: bool
) -> None:
    """The result is the share of targets between the outer bounds, for every rank."""
    y_true, y_pred, inside = make_batch(rng, shape)
    metric = Coverage()

    metric.update_state(y_true[..., None] if column else y_true, y_pred)

    np.testing.assert_allclose(float(metric.result()), inside.mean(), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float64", "int32"])
def test_any_dtype_is_taken(rng: np.random.Generator, dtype: str) -> None:
    """Predictions and targets may have any dtype, the result has that of the metric."""
    y_true, y_pred, _ = make_batch(rng, (50,))
    y_true, y_pred = (3 * y_true).astype(dtype), (3 * y_pred).astype(dtype)
    metric = Coverage()

    metric.update_state(y_true, y_pred)

    inside = (y_pred[..., 0] <= y_true) & (y_true <= y_pred[..., 2])
    assert keras.backend.standardize_dtype(metric.result().dtype) == "float32"
    np.testing.assert_allclose(float(metric.result()), inside.mean(), rtol=1e-6)


def test_bounds_are_inside() -> None:
    """A target on a bound counts, one just beyond does not, nor one in a crossed interval."""
    metric = Coverage()
    bounds = [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]

    metric.update_state([0.0, 1.0, 1.001, 0.5], bounds)

    assert float(metric.result()) == 0.5


def test_other_bounds_can_be_chosen(rng: np.random.Generator) -> None:
    """`lower` and `upper` pick the bounds, from the front or from the end."""
    y_true, y_pred, _ = make_batch(rng, (50,))
    wanted = ((y_pred[..., 1] <= y_true) & (y_true <= y_pred[..., 2])).mean()

    for lower, upper in [(1, 2), (-2, -1)]:
        metric = Coverage(lower, upper)
        metric.update_state(y_true, y_pred)
        np.testing.assert_allclose(float(metric.result()), wanted, rtol=1e-6)


def test_state_adds_up_until_it_is_reset(rng: np.random.Generator) -> None:
    """Two batches of different sizes give the share over both, and a reset forgets them."""
    y_true, y_pred, inside = make_batch(rng, (50,))
    metric = Coverage()

    metric.update_state(y_true[:10], y_pred[:10])
    metric.update_state(y_true[10:], y_pred[10:])

    np.testing.assert_allclose(float(metric.result()), inside.mean(), rtol=1e-6)
    metric.reset_state()
    assert float(metric.result()) == 0.0
    metric.update_state(y_true[:10], y_pred[:10])
    np.testing.assert_allclose(float(metric.result()), inside[:10].mean(), rtol=1e-6)


@pytest.mark.parametrize("weight_shape", [(8,), (8, 1), (8, 9), (8, 9, 1)])
def test_sample_weights_weigh_targets(
    rng: np.random.Generator, weight_shape: tuple[int, ...]
) -> None:
    """The result is a weighted share, with one weight for each sample or for each target."""
    y_true, y_pred, inside = make_batch(rng, (8, 9))
    weights = rng.uniform(size=weight_shape).astype("float32")
    metric = Coverage()

    metric.update_state(y_true, y_pred, sample_weight=weights)

    each = np.broadcast_to(weights.reshape(8, -1), (8, 9))
    np.testing.assert_allclose(
        float(metric.result()), (each * inside).sum() / each.sum(), rtol=1e-5
    )


def test_weights_of_zero_give_zero(rng: np.random.Generator) -> None:
    """Where nothing counts the result is 0 and not NaN."""
    y_true, y_pred, _ = make_batch(rng, (5,))
    metric = Coverage()

    metric.update_state(y_true, y_pred, sample_weight=np.zeros(5, "float32"))

    assert float(metric.result()) == 0.0


def test_stateless_use_leaves_the_metric_alone(rng: np.random.Generator) -> None:
    """The stateless methods, which JAX trains with, compute the same and change nothing."""
    y_true, y_pred, inside = make_batch(rng, (50,))
    metric = Coverage()

    state = metric.stateless_update_state(metric.variables, y_true, y_pred)

    np.testing.assert_allclose(float(metric.stateless_result(state)), inside.mean(), rtol=1e-6)
    assert float(metric.result()) == 0.0


def test_config_round_trip_keeps_every_argument(rng: np.random.Generator) -> None:
    """A metric made from a config, through JSON, has the same bounds, name and result."""
    y_true, y_pred, _ = make_batch(rng, (50,))
    metric = Coverage(1, 2, name="upper_half")
    config = json.loads(json.dumps(metric.get_config()))

    again = Coverage.from_config(config)

    assert again.get_config() == metric.get_config()
    assert (again.lower, again.upper, again.name, again.dtype) == (1, 2, "upper_half", "float32")
    assert float(again(y_true, y_pred)) == float(metric(y_true, y_pred))


def test_name_has_a_default() -> None:
    """A metric without a name is called `coverage`, every time."""
    assert {Coverage().name, Coverage().name} == {"coverage"}


@pytest.mark.parametrize(("lower", "upper", "which"), [(3, -1, "lower"), (0, -4, "upper")])
def test_a_bound_must_be_in_the_predictions(lower: int, upper: int, which: str) -> None:
    """An index beyond the last axis raises an error that shows which, and the range."""
    with pytest.raises(ValueError, match=rf"(?s)the {which} bound .*from -3 to 2.*found   {which}"):
        Coverage(lower, upper).update_state(np.ones(4), np.ones((4, 3)))


def test_shapes_that_would_broadcast_are_refused() -> None:
    """Targets that belong to other predictions raise an error."""
    with pytest.raises(ValueError, match="do not belong together"):
        Coverage().update_state(np.ones((4, 1)), np.ones((4, 5, 3)))
