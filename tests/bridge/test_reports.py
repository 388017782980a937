"""What the user is told: warnings, log records, and the report of a load."""

from __future__ import annotations

import gc
import logging
import warnings

import pytest

from keras_registry import Finding, KerasRegistryWarning, Level, LoadReport
from keras_registry.bridge.reports import log_findings, remember, report, tell

FINDINGS = [
    Finding(code="R201", level=Level.ERROR, summary="too old"),
    Finding(code="R202", level=Level.WARNING, summary="older"),
    Finding(code="R203", level=Level.NOTE, summary="newer", hint="nothing to do"),
]


class Model:
    """Something that can be remembered."""


def make_report(**changes):
    """Return a report of a load."""
    values = {"name": "m.keras", "manifest": None, "objects": (), "findings": (), "verified": ()}
    return LoadReport(**{**values, **changes})


def test_each_level_has_its_log_level(caplog):
    """An error is logged as ERROR, a warning as WARNING, a note as DEBUG, each with its code."""
    with caplog.at_level(logging.DEBUG, logger="keras_registry"):
        log_findings(FINDINGS)

    assert [(r.name, r.levelname, r.getMessage().split()[0]) for r in caplog.records] == [
        ("keras_registry", "ERROR", "R201"),
        ("keras_registry", "WARNING", "R202"),
        ("keras_registry", "DEBUG", "R203"),
    ]


def test_warnings_carry_their_finding():
    """What is told warns of each finding of level warning, and of no other."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tell("m.keras", FINDINGS[1:])

    [warning] = caught
    assert warning.category is KerasRegistryWarning
    assert warning.message.finding is FINDINGS[1]
    assert str(warning.message).startswith("m.keras\n  R202 warning  older")


def test_warning_points_at_the_caller():
    """A warning names the line of the program that called, not one of ours."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tell("m.keras", FINDINGS[1:])

    assert caught[0].filename == __file__


def test_warning_can_be_filtered_by_its_code():
    """A filter on the text can silence one code and leave the others."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"(?s).*\bR202 warning", KerasRegistryWarning)
        tell("m.keras", FINDINGS[1:])


def test_report_lives_as_long_as_its_model():
    """The report of a model is there while the model is, and keeps nothing alive."""
    model = Model()
    remember(model, make_report())
    assert report(model) == make_report()
    assert report(Model()) is None

    mark = id(model)
    del model
    gc.collect()
    fresh = [report(Model()) for _ in range(100)]
    assert mark
    assert set(fresh) == {None}


def test_report_as_text():
    """A report prints as what was found, or as one line if nothing was."""
    silent = make_report(verified=("layers", "optimizer"))
    noted = make_report(findings=tuple(FINDINGS[1:]), verified=("layers",))

    assert str(make_report()) == "m.keras: no findings"
    assert str(silent) == "m.keras: no findings; verified: layers, optimizer"
    assert str(noted).splitlines() == [
        "m.keras was loaded; verified: layers: 1 warning, 1 note",
        "  R202 warning  older",
        "  R203 note     newer",
        "       hint       nothing to do",
    ]


def test_report_of_a_load(child, acme_site, acme_model):
    """The report has the file, its manifest, where each object came from and what was verified."""
    done = child(
        """
        import keras, keras_registry
        model = keras.saving.load_model(sys.argv[1])
        report = keras_registry.report(model)
        answer(
            name=report.name,
            version=report.manifest.distributions["acme-layers"].version,
            objects={item.key: [str(item.source), item.plugin.target, item.needs.place]
                     for item in report.objects},
            findings=codes(report.findings),
            verified=report.verified,
            other=keras_registry.report(small_model()),
        )
        """,
        acme_model.path,
        path=[acme_site],
    )

    assert done.json() == {
        "name": str(acme_model.path),
        "version": "1.4.2",
        "objects": {
            "acme>GatedDense": ["plugin", "acme_layers.gated:GatedDense", 'layers[1] "gate"'],
            "acme>swishy": [
                "plugin",
                "acme_layers.functions:swishy",
                'layers[2] "second_gate".activation',
            ],
            "acme>Pinball": [
                "plugin",
                "acme_layers.losses:Pinball",
                'compile_config.loss "pinball"',
            ],
            "acme>Coverage": [
                "plugin",
                "acme_layers.metrics:Coverage",
                'compile_config.metrics[0] "coverage"',
            ],
        },
        "findings": [],
        "verified": ["layers", "optimizer"],
        "other": None,
    }


LOGGED = """
import logging
import keras
import keras_registry

records = []
handler = logging.Handler()
handler.emit = lambda record: records.append([record.levelname, record.getMessage().split()[0]])
logging.getLogger("keras_registry").addHandler(handler)
logging.getLogger("keras_registry").setLevel(logging.DEBUG)
"""


@pytest.mark.parametrize(
    ("version", "records"),
    [
        ("1.4.2", []),
        ("1.2.0", [["DEBUG", "R203"]]),
        ("1.4.9", [["WARNING", "R202"]]),
        ("2.0.0", [["ERROR", "R201"]]),
    ],
)
def test_each_finding_is_logged_once(child, acme_site, acme_copy, version, records):
    """Each finding of a load is one record of the logger `keras_registry`, at its level."""

    def age(manifest):
        manifest["distributions"]["acme-layers"].update(version=version, digest=None)

    done = child(
        [
            LOGGED,
            """
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
                try:
                    keras.saving.load_model(sys.argv[1])
                except keras_registry.LoadError:
                    pass
            answer(records=records)
            """,
        ],
        acme_copy(manifest=age),
        path=[acme_site],
    )

    assert done.json() == {"records": records}


@pytest.mark.parametrize("how", ["missing.keras", "empty.keras"])
def test_what_is_no_file_is_logged_once(child, tmp_path, how):
    """A finding about a path is one record too."""
    (tmp_path / "empty.keras").touch()
    done = child(
        [
            LOGGED,
            f"""
            caught(keras.saving.load_model, "{how}")
            answer(records=records)
            """,
        ]
    )

    assert done.json() == {"records": [["ERROR", "A101" if "missing" in how else "A103"]]}


def test_logger_says_nothing_unless_asked(child, acme_copy, acme_site):
    """Without a handler of the program's own, no finding reaches the standard error stream."""
    done = child(
        """
        import keras, keras_registry
        try:
            keras.saving.load_model(sys.argv[1])
        except keras_registry.LoadError:
            pass
        """,
        acme_copy(manifest=lambda m: m["distributions"]["acme-layers"].update(version="2.0.0")),
        path=[acme_site],
    ).check()

    assert done.messages == ""
    assert done.stdout == ""


def test_success_is_silent(child, acme_site, acme_model):
    """A load and a save that succeed print nothing, warn of nothing and log nothing above DEBUG."""
    done = child(
        """
        import logging
        import keras, keras_registry
        logging.basicConfig(level=logging.INFO, stream=sys.stdout)
        model = keras.saving.load_model(sys.argv[1])
        model.save("again.keras")
        """,
        acme_model.path,
        path=[acme_site],
    ).check()

    assert done.stdout == ""
    assert done.messages == ""


def test_notes_are_not_printed_on_success(child, acme_site, acme_copy):
    """Notes of a load that succeeds stay in its report."""
    done = child(
        """
        import keras, keras_registry
        model = keras.saving.load_model(sys.argv[1])
        print(len(keras_registry.report(model).findings))
        """,
        acme_copy(
            manifest=lambda m: m["distributions"]["acme-layers"].update(
                version="1.2.0", digest=None
            )
        ),
        path=[acme_site],
    ).check()

    assert done.stdout == "1\n"
    assert done.messages == ""
