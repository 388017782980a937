"""The runner: what becomes of a check, and how its result reads."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - @register reads annotations
import json

import keras
import pytest

from keras_registry import register
from keras_registry.contract import CHECK_SET, CHECKS, Check, Skip, Status, Subject, run_check
from keras_registry.contract.rendering import count_results, render_failure
from keras_registry.contract.table import DISTRIBUTION
from keras_registry.errors import SettingsError
from keras_registry.names import Kind
from keras_registry.registration import default_registry
from keras_registry.testing import ContractTest, iter_checks
from tests.support.golden import check_golden


@register("contract_tests")
class Scale(keras.layers.Layer):
    """A layer without a fault."""

    def __init__(self, units: int = 2, factor: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


def check_everything(case):
    """It passes."""
    return "all is well"


def check_nothing(case):
    """It does not apply.

    To nothing.
    """
    reason = "there is nothing to check"
    raise Skip(reason)


def check_units(case):
    """Its units are 2.

    Other units are too many.
    """
    if case.make().units != 2:
        case.fail(at_fault="units", wanted="units = 2", found="units = 3", method="call")


def check_raises(case):
    """It does not raise."""
    raise ValueError(str(case))


PASSES, SKIPS, FAILS, RAISES = (
    Check(f"C99{number}", function, "mend it")
    for number, function in enumerate(
        (check_everything, check_nothing, check_units, check_raises), start=1
    )
)


def make_subject(**said):
    """The layer as the kit sees it."""
    return Subject(default_registry.find("contract_tests>Scale"), **said)


def rendered(result, check):
    """A failure as text, without the path of this file."""
    return render_failure(result, check).replace(__file__, "test_runner.py")


def test_check_that_passes_may_say_something() -> None:
    """A result has the code, the name, the key, the time, and what is worth knowing."""
    result = run_check(PASSES, make_subject())

    assert (result.check, result.name, result.key) == ("C991", "everything", "contract_tests>Scale")
    assert (result.status, result.note, result.is_good) == (Status.PASSED, "all is well", True)
    assert 0 <= result.seconds < 5


def test_failure_is_that_of_the_smallest_case() -> None:
    """Cases are tried from the smallest on; the first that fails is shown, with its place."""
    result = run_check(FAILS, make_subject())

    assert result.status is Status.FAILED
    assert not result.is_good
    assert result.failure.case == "Scale(units=3)"
    text = rendered(result, FAILS)
    line = Scale.call.__code__.co_firstlineno
    check_golden("contract/failure", text, replace={f":{line}": ":LINE"})


def test_error_is_a_failure() -> None:
    """What an author's own code raises fails the check, and is shown."""
    result = run_check(RAISES, make_subject())

    assert result.status is Status.FAILED
    assert result.failure.found == "ValueError: Scale()"


def test_check_is_skipped_only_if_it_applies_to_no_case() -> None:
    """One case to which a check does not apply does not hide the others."""

    def check_some(case):
        """It applies to some."""
        if case.changed is None:
            check_nothing(case)
        check_units(case)

    skipped = run_check(SKIPS, make_subject())
    some = run_check(Check("C995", check_some, "mend it"), make_subject())

    assert (skipped.status, skipped.reason) == (Status.SKIPPED, "there is nothing to check")
    assert some.status is Status.FAILED


def test_expected_failure_is_strict() -> None:
    """A failure that was expected is one; a check that passes all the same fails."""
    expected = run_check(FAILS, make_subject(expected_failures={"units": "two is enough"}))
    passed = run_check(PASSES, make_subject(expected_failures={"C991": "it never works"}))

    assert (expected.status, expected.reason) == (Status.EXPECTED, "two is enough")
    assert expected.failure.at_fault == "units"
    assert passed.status is Status.FAILED
    check_golden("contract/unexpected", rendered(passed, PASSES))


def test_check_can_be_left_out_with_a_reason() -> None:
    """A check that is left out is skipped, with its author's reason."""
    check = next(check for check in CHECKS if check.name == "config_is_json")

    result = run_check(check, make_subject(without={"C103": "it is none"}))

    assert (result.status, result.reason) == (Status.SKIPPED, "left out: it is none")


def test_what_cannot_be_made_fails_once() -> None:
    """Where no arguments are known, C101 says so, and the other checks are skipped."""

    @register("contract_tests")
    class Picky(keras.layers.Layer):
        def __init__(self, units: int, **kwargs):
            super().__init__(**kwargs)
            if units < 1000:
                message = "units must be at least 1000"
                raise ValueError(message)

    subject = Subject(default_registry.find("contract_tests>Picky"))
    given = Subject(subject.registration, examples=[{"units": 1000}, {"units": 999}])
    first, second = CHECKS[0], CHECKS[2]

    failed, skipped, example = (
        run_check(first, subject),
        run_check(second, subject),
        run_check(first, given),
    )

    check_golden("contract/not_made", render_failure(failed, first).split("       where")[0])
    assert skipped.reason == "no arguments are known with which it can be made: see C101"
    assert example.failure.case == "Picky(units=999)"


def test_value_that_nobody_knows_is_asked_for() -> None:
    """An argument of a type that says nothing needs an example."""

    @register("contract_tests")
    class Dated(keras.layers.Layer):
        def __init__(self, day: dt.date, **kwargs):
            super().__init__(**kwargs)

    result = run_check(CHECKS[0], Subject(default_registry.find("contract_tests>Dated")))

    check_golden("contract/no_value", render_failure(result, CHECKS[0]).split("       where")[0])


def test_object_of_another_backend_is_skipped() -> None:
    """What says that it runs on other backends only is not run on this one."""
    registration = default_registry.find("contract_tests>Scale")
    values = {name: getattr(registration, name) for name in ("key", "kind", "target", "schema")}
    other = type(registration)(**values, backends=("openvino",))

    result = run_check(PASSES, Subject(other))

    assert result.status is Status.SKIPPED
    assert result.reason == f"it does not run on {keras.backend.backend()}: openvino alone"


def test_result_is_json() -> None:
    """A result is a JSON object, in which what is absent is null."""
    document = json.loads(json.dumps(run_check(FAILS, make_subject()).to_json()))

    assert document["status"] == "failed"
    assert document["failure"]["wanted"] == "units = 2"
    assert document["reason"] is None


def test_results_are_counted() -> None:
    """The results of a run are counted by how they ended."""
    results = [run_check(check, make_subject()) for check in (PASSES, FAILS, SKIPS, PASSES)]

    assert count_results(results) == "2 passed, 1 failed, 1 skipped"
    assert count_results([]) == "no checks"


def test_every_check_explains_itself() -> None:
    """A check has a code and a name of its own, a promise and a fix; the codes are in order."""
    codes = [check.code for check in CHECKS]

    assert codes == sorted(set(codes))
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert check.promise.endswith((".", ";")), check
        assert check.promise[0].isupper() or check.promise[0] == "`"
        assert check.fix
        assert not check.fix.endswith(".")
        assert 1 <= check.since <= CHECK_SET
        assert check.kinds <= {*Kind, DISTRIBUTION}


# --- what an author can change ---------------------------------------------------------------

STARTER = "keras-registry-starter"


@pytest.fixture
def starter_installed(starter_site, monkeypatch) -> None:
    """Have the starter plugin installed, for as long as a test takes."""
    monkeypatch.syspath_prepend(starter_site)


@pytest.mark.usefixtures("starter_installed")
@pytest.mark.parametrize(
    "said",
    [
        {"examples": {"starter>Nothing": [{}]}},
        {"expected_failures": {"starter>Coverage": {"C999": "no such check"}}},
        {"expected_failures": {"starter>Coverage": {"C401": " "}}},
        {"without": {"starter>Coverage": {"reset_forgets": ""}}},
        {"check_set": CHECK_SET + 1},
        {"extra": [Check("C103", check_units, "mend it")]},
    ],
    ids=["unknown_key", "unknown_check", "expected", "without", "check_set", "override"],
)
def test_what_is_said_must_be_right(said, request) -> None:
    """An unknown object or check, and no reason, are refused; so is a check that is overridden."""
    with pytest.raises(SettingsError) as caught:
        list(iter_checks(STARTER, **said))

    check_golden(f"contract/refused_{request.node.callspec.id}", str(caught.value))


@pytest.mark.usefixtures("starter_installed")
def test_check_is_overridden_with_a_reason() -> None:
    """A check of the author's own takes the place of one that is left out, and is run."""
    own = Check("C103", check_everything, "mend it", kinds=frozenset({Kind.METRIC}))
    without = {"starter>Coverage": {"C103": "ours is stricter"}}

    tests = [
        c for c in iter_checks(STARTER, extra=[own], without=without) if c.check.code == "C103"
    ]
    mine = [test.run() for test in tests if test.subject.key == "starter>Coverage"]

    assert [(r.status, r.reason or r.note) for r in mine] == [
        (Status.SKIPPED, "left out: ours is stricter"),
        (Status.PASSED, "all is well"),
    ]


@pytest.mark.usefixtures("starter_installed")
def test_pinned_set_has_no_newer_checks(monkeypatch) -> None:
    """A plugin that pins the version of the set of checks gets none that came later."""
    late = Check("C999", check_everything, "mend it", since=CHECK_SET + 1)
    monkeypatch.setattr("keras_registry.contract.runner.CHECKS", (*CHECKS, late))
    monkeypatch.setattr("keras_registry.contract.collecting.CHECK_SET", CHECK_SET + 1)

    pinned = {test.check.code for test in iter_checks(STARTER, check_set=CHECK_SET)}
    newest = {test.check.code for test in iter_checks(STARTER, check_set=CHECK_SET + 1)}

    assert newest - pinned == {"C999"}


def test_test_ends_as_its_check_does() -> None:
    """A test passes, is skipped, is expected to fail or fails, with the whole text and no trace."""
    subject = make_subject(expected_failures={"C993": "two is enough"})

    ContractTest(PASSES, subject)()
    with pytest.raises(pytest.skip.Exception, match="there is nothing to check"):
        ContractTest(SKIPS, subject)()
    with pytest.raises(pytest.xfail.Exception, match="two is enough"):
        ContractTest(FAILS, subject)()
    with pytest.raises(pytest.fail.Exception, match=r"(?s)C994 failed.*promised.*wanted.*found"):
        ContractTest(RAISES, subject)()
