"""Tests of what a user can set."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from keras_registry.errors import SettingsError
from keras_registry.findings import Policy
from keras_registry.settings import current_policy, hooks_wanted, parse_policy, policy

VARIABLE = "KERAS_REGISTRY_POLICY"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("KERAS_REGISTRY_HOOKS", raising=False)


@pytest.mark.parametrize("chosen", Policy)
def test_policy_is_parsed(chosen: Policy) -> None:
    """A policy is given by its name or as itself."""
    assert parse_policy(chosen.value) is chosen
    assert parse_policy(chosen) is chosen


@pytest.mark.parametrize("name", ["", "lax", "Strict", "strict ", "error", None, 1])
def test_unknown_policy_is_refused(name: object) -> None:
    """A name that is none is refused with the names that there are."""
    with pytest.raises(SettingsError, match="strict, compatible, permissive") as caught:
        parse_policy(name)  # type: ignore[arg-type]

    assert repr(str(name)) in str(caught.value)
    assert caught.value.__cause__ is None


def test_compatible_is_the_default() -> None:
    """Without any setting the policy is compatible."""
    assert current_policy() is Policy.COMPATIBLE


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("strict", Policy.STRICT),
        (" permissive\n", Policy.PERMISSIVE),
        ("", Policy.COMPATIBLE),
        ("  ", Policy.COMPATIBLE),
    ],
)
def test_environment_variable_sets_the_policy(
    value: str, expected: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is read when the policy is asked for; an empty one is none."""
    monkeypatch.setenv(VARIABLE, value)

    assert current_policy() is expected


def test_wrong_environment_variable_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt policy does not silently become the default."""
    monkeypatch.setenv(VARIABLE, "stirct")

    with pytest.raises(SettingsError, match="'stirct'"):
        current_policy()


def test_block_sets_the_policy_and_sets_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block wins over the variable, an inner block over an outer one, also after an error."""
    monkeypatch.setenv(VARIABLE, "strict")

    with policy("permissive") as outer:
        assert outer is current_policy() is Policy.PERMISSIVE
        with contextlib.suppress(RuntimeError), policy(Policy.COMPATIBLE) as inner:
            assert inner is current_policy() is Policy.COMPATIBLE
            raise RuntimeError
        assert current_policy() is Policy.PERMISSIVE
    assert current_policy() is Policy.STRICT


def test_block_with_an_unknown_policy_does_not_begin() -> None:
    """The mistake is reported before anything in the block runs."""
    with pytest.raises(SettingsError), policy("lax"):
        pytest.fail("the block ran")
    assert current_policy() is Policy.COMPATIBLE


def test_block_holds_for_its_own_thread() -> None:
    """Another thread, started outside or inside of the block, has its own policy."""
    seen: list[Policy] = []

    with policy("strict"):
        thread = threading.Thread(target=lambda: seen.append(current_policy()))
        thread.start()
        thread.join()
        seen.append(current_policy())

    assert seen == [Policy.COMPATIBLE, Policy.STRICT]


def test_block_holds_for_its_own_task() -> None:
    """Two tasks of one thread do not see each other's policy."""

    async def hold(name: str) -> Policy:
        with policy(name):
            await asyncio.sleep(0)
            return current_policy()

    async def hold_both() -> list[Policy]:
        return await asyncio.gather(hold("strict"), hold("permissive"))

    assert asyncio.run(hold_both()) == [Policy.STRICT, Policy.PERMISSIVE]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, True), ("", True), ("1", True), ("on", True), ("0", False), (" OFF ", False)],
)
def test_hooks_can_be_turned_off(
    value: str | None, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hooks are on unless the variable says 0, off or false."""
    if value is not None:
        monkeypatch.setenv("KERAS_REGISTRY_HOOKS", value)

    assert hooks_wanted() is expected
