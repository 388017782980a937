"""Objects that nobody here has, or that more than one has: the words for each case."""

import re
from string import printable as ascii_text

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from keras_registry.findings import Policy, render_finding, render_findings
from keras_registry.resolution import Source, import_finding, promise_finding
from tests.resolution.situations import World, layer, manifest_of, model, needs_of, of_code
from tests.support.golden import check_golden

MODEL = model(layer(units=3, name="gate"), layer(units=4), layer("acme>Norm"))


def text_of(resolution, *codes):
    """Return the findings of a resolution as a user sees them, all or those of some codes."""
    findings = of_code(resolution.findings, *codes) if codes else resolution.findings
    return "\n".join(map(render_finding, findings))


class TestTexts:
    """One text for each reason why an object cannot be had, word for word."""

    def test_not_installed(self, world):
        """R101: one finding names all that is missing, and the line that installs it."""
        resolution = world.resolve(MODEL, manifest_of(MODEL, version="1.6.2"))

        check_golden("resolution/R101", text_of(resolution))

    def test_not_installed_and_no_version_known(self, world):
        """R101: without a recorded version the line has none."""
        resolution = world.resolve(MODEL, manifest_of(MODEL, version=None))

        check_golden("resolution/R101-no-version", text_of(resolution))

    def test_not_provided(self, world):
        """R102: an installed distribution without the object, with the nearest names."""
        world.install(version="1.6.0", keys=["acme>GatedDense", "acme>Norm", "acme>Conv"])

        resolution = world.resolve(MODEL, manifest_of(MODEL, version="1.6.2"))

        check_golden("resolution/R102", text_of(resolution, "R102"))

    def test_not_provided_by_the_very_version(self, world):
        """R102: where the version is the recorded one, installing it again is no help."""
        world.install(keys=["acme>Conv"])

        resolution = world.resolve(MODEL, manifest_of(MODEL))

        check_golden("resolution/R102-same-version", text_of(resolution))

    def test_import_fails(self, world):
        """R103: the reason that Python gave, and the line that brings what is required."""
        world.install(keys=["acme>Gated", "acme>Norm"])
        resolution = world.resolve(MODEL, manifest_of(MODEL))
        error = ModuleNotFoundError("No module named 'einops'")

        found = import_finding(
            resolution.plugins[0], error, resolution.policy, needs_of(resolution)
        )

        check_golden("resolution/R103", render_finding(found))

    def test_rivals(self, world):
        """R104: both names, and two ways out."""
        world.install("acme-one", "1.0")
        world.install("acme-two", "2.0")

        resolution = world.resolve(model(layer(), layer()))

        check_golden("resolution/R104", text_of(resolution, "R104"))

    def test_broken_promise(self, world):
        """R105: what the entry point leads to instead, and whom to tell."""
        world.install(keys=["acme>Gated", "acme>Norm"])
        resolution = world.resolve(MODEL, manifest_of(MODEL))

        found = promise_finding(
            resolution.plugins[0],
            "an object that is not registered",
            resolution.policy,
            needs_of(resolution),
        )

        check_golden("resolution/R105", render_finding(found))

    def test_unknown(self, world):
        """R106: with the module that the file names, and no line to install anything."""
        check_golden("resolution/R106", text_of(world.resolve(model(layer())), "R106"))

    def test_unknown_with_near_names(self, world):
        """R106: with the nearest names that installed distributions have."""
        world.install(keys=["acme>Gate", "acme>GatedDense", "other>Conv"])

        resolution = world.resolve(model(layer()))

        check_golden("resolution/R106-near", text_of(resolution, "R106"))

    def test_unpublished(self, world):
        """R107: an object of a notebook, and what to do with it."""
        config = model(layer("__main__>Gated", module="__main__"))

        resolution = world.resolve(config, manifest_of(config, distribution=None))

        check_golden("resolution/R107", text_of(resolution))

    def test_moved(self, world):
        """R210: where it was and where it is."""
        world.install("acme-next", "2.0", keys=["acme>Gated", "acme>Norm"])

        resolution = world.resolve(model(layer()), manifest_of(model(layer())))

        check_golden("resolution/R210", text_of(resolution))

    def test_everything_at_once(self, world):
        """All that is missing is told at once, each distribution in one finding."""
        world.install("other-layers", "1.0", keys=["other>Conv"])
        config = model(
            layer(name="gate"), layer(), layer("acme>Norm"), layer("other>Pool"), layer("x>Y")
        )
        objects = {
            "other>Pool": {"distribution": "other-layers"},
            "x>Y": {"distribution": None, "module": None},
        }

        resolution = world.resolve(config, manifest_of(config, objects=objects))

        assert [finding.code for finding in resolution.findings] == ["R106", "R101", "R102"]
        check_golden(
            "resolution/everything",
            render_findings("churn.keras cannot be loaded", resolution.findings),
        )


class TestNeeds:
    """A finding names the objects concerned, with their places."""

    def test_all_objects_of_a_distribution(self, world):
        """What is missing from one distribution is one finding that names each object once."""
        (found,) = world.resolve(MODEL, manifest_of(MODEL)).findings

        assert [(need.key, need.count) for need in found.needs] == [
            ("acme>Gated", 2),
            ("acme>Norm", 1),
        ]
        assert found.needs[0].place == 'layers[0] "gate"'
        assert found.distribution == "acme-layers"

    def test_one_finding_for_each_distribution(self, world):
        """Two distributions that are not installed are two findings."""
        manifest = manifest_of(MODEL, objects={"acme>Norm": {"distribution": "acme-norms"}})

        findings = world.resolve(MODEL, manifest).findings

        assert [finding.distribution for finding in findings] == ["acme-layers", "acme-norms"]

    def test_one_finding_for_each_unknown_object(self, world):
        """Objects that nobody is known to have are a finding each."""
        findings = of_code(world.resolve(MODEL).findings, "R106")

        assert [finding.needs[0].key for finding in findings] == ["acme>Gated", "acme>Norm"]

    def test_rivals_are_not_called_missing(self, world):
        """A key that two distributions claim is not also reported as unknown or not installed."""
        world.install("acme-one", "1.0")
        world.install("acme-two", "2.0")

        for manifest in (None, manifest_of(model(layer()))):
            resolution = world.resolve(model(layer()), manifest)
            assert [finding.code for finding in resolution.findings][-1] == "R104"
            assert not of_code(resolution.findings, "R101", "R106")
            assert resolution.objects[0].source is Source.MISSING

    def test_rivals_of_an_unused_key(self, world):
        """Two distributions that claim a key which the model does not use are no matter."""
        world.install("acme-one", "1.0", keys=["acme>Gated", "acme>Clash"])
        world.install("acme-two", "2.0", keys=["acme>Clash"])

        resolution = world.resolve(model(layer()))

        assert not of_code(resolution.findings, "R104")


class TestModuleOfMain:
    """What was defined in a script or a notebook."""

    @pytest.mark.parametrize("key", ["__main__>Gated", "mine>Gated"])
    def test_by_key_or_by_record(self, world, key):
        """An object whose namespace or recorded module is `__main__` was never published."""
        config = model(layer(key, module="__main__"))

        resolution = world.resolve(config, manifest_of(config, distribution=None))

        assert [finding.code for finding in resolution.findings] == ["R107"]

    def test_without_a_manifest(self, world):
        """Without a manifest the namespace tells."""
        config = model(layer("__main__>Gated", module="__main__"))

        assert of_code(world.resolve(config).findings, "R107")

    def test_published_since(self, world):
        """A notebook's object that an installed distribution claims by an alias is found."""
        world.install(aliases={"__main__>Gated": "acme>Gated"})
        config = model(layer("__main__>Gated", module="__main__"))

        resolution = world.resolve(config, manifest_of(config, distribution=None))

        assert resolution.objects[0].source is Source.PLUGIN


PIP = re.compile(r'pip install(?: --force-reinstall)? (?:"(?P<quoted>[^"]*)"|(?P<bare>\S+))')


def check_hint(finding):
    """Check that a hint is printable, and that its pip line has one valid requirement."""
    hint = finding.hint or ""
    assert hint.isprintable()
    if "pip install" in hint:
        match = PIP.search(hint)
        assert match is not None, hint
        requirement = Requirement(match["quoted"] or match["bare"])
        assert requirement.url is None
        assert requirement.name in {"acme-layers", "keras-registry", "keras"}


@pytest.mark.parametrize(
    "recorded",
    ["1.4.2", "0.0.1", "1!2.3", "1.4.2rc1", "1.4.2.dev3", "1.4.2.post1", "1.4.2+cu12.1", "2026.8"],
)
@pytest.mark.parametrize("installed", [None, "0.0.0", "1.4.2.dev1", "1.4.2", "1!3.0", "2027.1"])
def test_every_hint_can_be_typed(world, recorded, installed):
    """The pip line of a hint has a name and a specifier that pip accepts, whatever was recorded."""
    if installed is not None:
        world.install(version=installed, keys=["acme>Gated"], code="other")
    config = model(layer(units=3), layer("acme>Norm"))
    digest = "sha256:" + "0" * 64

    resolution = world.resolve(config, manifest_of(config, version=recorded, digest=digest))

    assert resolution.findings
    for finding in resolution.findings:
        check_hint(finding)


@pytest.mark.parametrize("recorded", ["1.4.2rc1", "2.0rc1", "2.0.dev3", "1.4.2+cu12"])
def test_a_hint_lets_the_recorded_version_in(world, recorded):
    """What the line of R101 installs may be the very version that saved the model."""
    (found,) = world.resolve(MODEL, manifest_of(MODEL, version=recorded)).findings

    requirement = Requirement(PIP.search(found.hint)["quoted"])
    assert requirement.specifier.contains(recorded, prereleases=True)


HOSTILE = [
    "acme; rm -rf ~",
    "--index-url=https://evil.example",
    "https://evil.example/x.whl",
    "git+https://evil.example/x",
    "../../evil",
    "acme layers",
    "acme\x1b[31mlayers",
    "acme[extra]",
    "Acme_Layers",
    "-e .",
    "",
]


@pytest.mark.parametrize("place", ["distribution", "version", "key", "module", "requires"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_come_to_nothing(world, place, text):
    """What stands in place of a name is told as such: no hint, nothing raw, no command."""
    if text == "Acme_Layers" and place in {"key", "module"}:
        text = "Acme Layers"  # it would be a good name there
    config = model(layer(units=3))
    manifest = manifest_of(config)
    record, distributions = manifest["objects"][0], manifest["distributions"]
    if place == "distribution":
        record["distribution"] = text
        distributions[text] = distributions.pop("acme-layers")
    elif place in {"version", "requires"}:
        distributions["acme-layers"][place] = text
    else:
        record[place] = text

    resolution = world.resolve(config, manifest)

    assert resolution.manifest is None
    codes = [finding.code for finding in resolution.findings]
    assert codes == ["M102" if place == "module" else "M105", "R106"]
    for finding in resolution.findings:
        assert all(line.isprintable() for line in render_finding(finding).splitlines())
        assert "pip" not in render_finding(finding)
    assert resolution.findings[0].hint is None


@given(
    key=st.sampled_from(["acme>Gated", "Gated", "a-b.c>D.e-f"])
    | st.from_regex(r"\A[\w.-]{1,8}>[\w.-]{1,8}\Z"),
    module=st.none() | st.text(ascii_text + "\x1b\x00\u202eé", max_size=12),
    name=st.text(ascii_text + "\x1b\x00\u202eé", max_size=12),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_texts_are_always_printable(tmp_path_factory, key, module, name):
    """Whatever the file calls things, what is said about them is printable and short."""
    world = World(tmp_path_factory.getbasetemp() / "nothing")
    config = model({**layer(key, module=module), "config": {"name": name, name: 1}})

    resolution = world.resolve(config, policy=Policy.STRICT)

    for finding in resolution.findings:
        lines = render_finding(finding).splitlines()
        assert len(lines) <= 6
        assert all(line.isprintable() and len(line) < 700 for line in lines)


def test_a_finding_is_short(world):
    """A message about one finding has at most twelve lines, with whatever it has to say."""
    config = model(*(layer(f"acme>Layer{number}") for number in range(40)))

    (found,) = world.resolve(config, manifest_of(config)).findings

    assert len(render_findings("churn.keras cannot be loaded", [found]).splitlines()) <= 12
