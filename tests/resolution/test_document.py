"""What the manifest as a document tells: whether it is believed, and where it was made."""

import pytest

from keras_registry.findings import Level, Policy, render_finding
from keras_registry.hashes import hash_form, hash_json
from keras_registry.manifest import read_manifest
from keras_registry.resolution import form_finding
from tests.resolution.situations import layer, manifest_of, model
from tests.support.golden import check_golden

MODEL = model(layer(units=3))
NO_OBJECTS = model()


def findings_of(world, manifest, config=NO_OBJECTS, **versions):
    """Return the findings about a manifest."""
    return world.resolve(config, manifest, environment=world.environment(**versions)).findings


def text_of(findings):
    """Return findings as a user sees them."""
    return "\n".join(map(render_finding, findings))


@pytest.mark.parametrize(
    ("code", "members"),
    [
        ("M101", None),
        ("M102", {"generator": 5}),
        ("M103", {"manifest_version": "2.0"}),
        ("M104", {"manifest_version": "1.7"}),
        ("M105", {"distributions": {"--index-url=https://evil.example": {}, "\x1b[2J": {}}}),
        ("M106", {"config": "xxh3:" + "0" * 32}),
        ("K101", {"environment": {"keras": "3.16.2"}}),
        ("K102", {"environment": {"backend": "jax", "backend_version": "0.7.1"}}),
    ],
)
def test_texts(world, code, members):
    """One text for each situation, word for word."""
    manifest = None if members is None else manifest_of(NO_OBJECTS, **members)

    findings = findings_of(world, manifest)

    assert [finding.code for finding in findings] == [code]
    check_golden(f"resolution/{code}", text_of(findings))


@pytest.mark.parametrize(
    ("saved", "here", "is_noted"),
    [
        ("2.15.0", "2.21.0", True),
        ("3.0", "2.21.0", True),
        ("2.21.1", "2.21.0", False),
        ("2.21.0", None, False),
        (None, "2.21.0", False),
    ],
)
def test_another_version_of_the_backend(world, saved, here, is_noted):
    """Another release of the backend is noted; one that differs in its fixes alone is not."""
    environment = {"backend": "tensorflow", "backend_version": saved}

    findings = findings_of(
        world, manifest_of(NO_OBJECTS, environment=environment), backend_version=here
    )

    assert [(item.code, item.level) for item in findings] == [("K113", Level.NOTE)] * is_noted
    if (saved, here) == ("2.15.0", "2.21.0"):
        check_golden("resolution/K113", text_of(findings))


def test_a_manifest_in_order(world):
    """A manifest that was made for this config in this environment is no finding."""
    assert findings_of(world, manifest_of(NO_OBJECTS)) == ()


def test_an_object_that_the_manifest_does_not_list(world):
    """M106 names what the config uses beyond the manifest."""
    manifest = manifest_of(NO_OBJECTS)

    findings = findings_of(world, manifest, MODEL)

    check_golden("resolution/M106-more", text_of(f for f in findings if f.code == "M106"))


def test_text_that_looks_like_a_key_is_not_named(world):
    """M106 does not name text in the config that merely looks like a key."""
    config = model({**layer(), "config": {"name": "a>b"}})
    manifest = manifest_of(config, config="xxh3:" + "0" * 32)

    found = next(f for f in findings_of(world, manifest, config) if f.code == "M106")

    assert found.found == "a config that was changed"


def form_found(saved, config, /, policy=Policy.COMPATIBLE, **members):
    """Return what is said of the form of a config that is not the one that was saved."""
    document = manifest_of(saved, config_form=hash_form(saved), **members)
    return form_finding(read_manifest(document).value, config, policy)


@pytest.mark.parametrize(
    "config",
    [
        model(layer(units="3")),
        model(layer(units=float("nan"))),
        model(layer(units=None)),
        model(layer()),
        model(layer(units=3, rate=0.5)),
        NO_OBJECTS,
    ],
)
def test_a_config_of_another_form(config):
    """M108 is said where an argument has a value of another type, is new or is gone."""
    found = form_found(MODEL, config)

    assert found.level is Level.ERROR
    check_golden("resolution/M108", render_finding(found))


@pytest.mark.parametrize("config", [MODEL, model(layer(units=4)), model(layer(units=3.5))])
def test_a_config_of_the_same_form(config):
    """Other values of the same types are an edit, of which M106 tells."""
    assert form_found(MODEL, config) is None


def test_the_form_is_not_asked_where_the_config_is_right():
    """A manifest whose hash is that of the config is right, whatever it says of the form."""
    assert form_found(MODEL, NO_OBJECTS, config=hash_json(NO_OBJECTS)) is None


def test_a_manifest_without_the_form():
    """Without a manifest, or with one that does not tell the form, there is nothing to compare."""
    manifest = read_manifest(manifest_of(MODEL)).value

    assert form_finding(manifest, NO_OBJECTS, Policy.STRICT) is None
    assert form_finding(None, NO_OBJECTS, Policy.STRICT) is None


def test_another_form_is_judged_by_the_policy():
    """What is no edit of values stops a load, unless the policy is permissive."""
    levels = [form_found(MODEL, NO_OBJECTS, policy).level for policy in Policy]

    assert levels == [Level.ERROR, Level.ERROR, Level.WARNING]


def test_a_manifest_without_the_hash_is_not_held_against_the_config(world):
    """A manifest that does not say for which config it was made cannot disagree."""
    assert findings_of(world, manifest_of(NO_OBJECTS, config=None)) == ()


def test_the_order_of_members_does_not_matter(world):
    """A config whose members were written in another order is the same config."""
    config = model(layer(units=3, name="gate"))
    turned = model({name: config["config"]["layers"][0][name] for name in sorted(layer())})

    findings = findings_of(world, manifest_of(config), turned)

    assert "M106" not in [finding.code for finding in findings]


@pytest.mark.parametrize("document", [[], "text", 5, True, {}, {"manifest_version": 1}])
def test_anything_may_stand_in_place_of_a_manifest(world, document):
    """A document that is no manifest is a finding, and nothing of it is used."""
    resolution = world.resolve(NO_OBJECTS, document)

    assert [finding.code for finding in resolution.findings] == ["M102"]
    assert resolution.manifest is None


def test_one_finding_for_many_problems(world):
    """Many problems are one finding: the first bad name, and how many more places there are."""
    manifest = manifest_of(
        NO_OBJECTS,
        generator=5,
        distributions={f"bad name {number}": {} for number in range(30)},
    )

    (found,) = findings_of(world, manifest)

    assert found.code == "M105"
    assert found.found.endswith(", and 30 more such places")


@pytest.mark.parametrize(
    ("saved", "here", "told"),
    [
        ("3.15.1", "3.15.1", False),
        ("3.9.0", "3.15.1", False),
        ("3.15.2", "3.15.1", True),
        ("3.16.0.dev1", "3.15.1", True),
        ("3.15.1", "3.15.1.post1", False),
        ("3.16.0", None, False),
    ],
)
def test_keras_versions(world, saved, here, told):
    """A newer Keras is told, by PEP 440; an older one is not, nor where Keras is not known."""
    manifest = manifest_of(NO_OBJECTS, environment={"keras": saved})

    codes = [finding.code for finding in findings_of(world, manifest, keras_version=here)]

    assert codes == (["K101"] if told else [])


@pytest.mark.parametrize("environment", [None, {}, {"python": "2.7"}])
def test_an_unknown_environment_is_not_judged(world, environment):
    """A manifest that does not say where it was made cannot differ in that."""
    assert findings_of(world, manifest_of(NO_OBJECTS, environment=environment)) == ()
