"""One load: eight steps from a file to a model that is proved to be the one saved.

1. Read metadata and config. 2. Find every key. 3. Resolve each. 4. Stop on all errors that can be
told so far. 5. Import just the plugins needed. 6. Validate all configs. 7. Let Keras load, with
the classes injected for this load alone. 8. Compare the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from keras_registry.artifact import (
    MODEL_CONTAINERS,
    TRAINING_CONFIG,
    modernise_artifact,
    scan_config,
    without_obstacles,
)
from keras_registry.bridge.failures import explain_failure
from keras_registry.bridge.faults import first_line
from keras_registry.bridge.injection import inject
from keras_registry.bridge.keras_arguments import (
    ImportedKeras,
    derived_uses,
    unknown_argument_findings,
)
from keras_registry.bridge.keras_errors import make_load_error
from keras_registry.bridge.live_objects import LiveObjects, describe_live, keras_has
from keras_registry.bridge.migrated_weights import failed_migrations, renewed_state
from keras_registry.bridge.missing_compile import skips_compile
from keras_registry.bridge.progress import Progress, under_way
from keras_registry.bridge.recompiled import change_findings, lost_state_findings
from keras_registry.bridge.renaming import FormerNames
from keras_registry.bridge.reports import LoadReport, log_findings, tell
from keras_registry.bridge.rewritten import parts_to_rewrite
from keras_registry.bridge.saving import running_environment
from keras_registry.bridge.verification import Verification, misplaced
from keras_registry.bridge.weights import PARTS
from keras_registry.config import PreparedConfigs, WeightMigrations, watching_weights
from keras_registry.findings import Level, finding, has_errors
from keras_registry.manifest import read_manifest
from keras_registry.registration import default_registry
from keras_registry.resolution import (
    KerasFitting,
    Source,
    backend_findings,
    form_finding,
    import_plugin,
    judge_by_snapshots,
    judge_configs,
    judge_schemas,
    keras2_findings,
    obstacles_to,
    renamed_finding,
    resolve_model,
    stale_snapshot_findings,
)
from keras_registry.settings import current_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keras_registry.artifact import Artifact
    from keras_registry.bridge.restored import WeightsFile
    from keras_registry.errors import LoadError
    from keras_registry.findings import Finding, Policy
    from keras_registry.manifest import Manifest
    from keras_registry.resolution import ConfigJudgement, ObjectResolution, Resolution

    Open = Callable[[Mapping[str, Any] | None, bool], Any]
    """Lets Keras load with these custom objects, compiled or not."""

__all__ = ["Load"]

_OBSTACLES = frozenset({"K103", "K110", "K122"})
_NOWHERE = frozenset({"R106", "R107"})
_COMPILED_POINTERS = ("/compile_config/", f"/{TRAINING_CONFIG}/")


@dataclass
class Load:
    """One load on its way through the steps.

    Attributes:
        artifact: The metadata and config of what is loaded.
        custom_objects: The caller's objects.
        weights_file: The weights in the file; None if there is no file, or others fill the model.
        compiles: Whether to restore the compiled state.
    """

    artifact: Artifact
    custom_objects: dict[str, Any]
    weights_file: WeightsFile | None = None
    compiles: bool = True

    def __post_init__(self) -> None:
        self.registry = default_registry
        self.live = LiveObjects(self.custom_objects)
        self.findings: list[Finding] = []
        self.verified: list[str] = []
        self.resolution: Resolution
        self.form: Finding | None = None
        self.unsure: list[Finding] = []
        self.modern = modernise_artifact(self.artifact)
        self.fitting: KerasFitting | None = None
        self.environment = running_environment()
        self.judgement: ConfigJudgement | None = None
        self.former_names = FormerNames()
        self.progress = Progress()
        self.weight_migrations = WeightMigrations()

    @property
    def manifest(self) -> Manifest | None:
        """The file's manifest, if there is one that can be believed."""
        return self.resolution.manifest

    @property
    def config(self) -> Any:
        """The config that Keras shall build: the file's, or what was made of it."""
        return self.modern.config if self.fitting is None else self.fitting.config

    @property
    def policy(self) -> Policy:
        """How strictly this load is judged."""
        return self.resolution.policy

    def prepare(self) -> None:
        """Steps 1 to 6: everything before Keras builds the model.

        Raises:
            LoadError: The model cannot be loaded.
        """
        self.resolve()
        self.fit_to_keras()
        self.skip_compile_if_asked()
        self.stop_on_metadata()
        self.import_plugins()
        self.skip_compile_if_asked()
        self.judge_code()
        self.stop_on_errors()

    def build(self, open_model: Open) -> Any:
        """Makes an object of a config that is in no file: what is missing is left to Keras.

        Raises:
            LoadError: Keras cannot make the object, and what was found explains it.
        """
        self.resolve()
        self.findings = [item for item in self.findings if item.code != "M101"]  # no file, no note
        self.import_plugins()
        self.judge_code()
        made = self.open(open_model)
        self.former_names.restore()
        tell(self.artifact.name, [item for item in self.findings if item.level is not Level.ERROR])
        return made

    def resolve(self) -> None:
        """Steps 1 to 3: what the model needs and who has it."""
        config = self.modern.config
        scan = scan_config(config, with_compile=self.compiles)
        obstacles = obstacles_to(self.modern, given=self.live.names(), with_compile=self.compiles)
        scan = without_obstacles(scan, obstacles)
        document = self.artifact.manifest_document
        self.resolution = resolve_model(
            config,
            scan,
            reading=read_manifest(document) if self.artifact.has_manifest else None,
            environment=self.environment,
            policy=current_policy(),
            registry=self.registry,
            given=self.live.match(scan),
            keras_has=keras_has,
            keras_version=self.artifact.find_metadata("keras_version"),
            saved_config=self.artifact.config,
        )
        # Keras puts objects into the config while it builds the model.
        self.form = form_finding(self.manifest, self.artifact.config, self.policy)
        self.unsure = self._left_to_owners(config)
        self.findings += [item for item in self.resolution.findings if item not in self.unsure]
        self.findings += keras2_findings(
            self.artifact,
            self.modern,
            obstacles,
            saved_with=self.resolution.saved_with,
            policy=self.policy,
        )

    def _left_to_owners(self, config: Any) -> list[Finding]:
        """What is said of objects that nothing provides, and that Keras will not look for."""
        unsure = [item for item in self.resolution.findings if item.code in _NOWHERE]
        if not unsure:
            return []
        of_owners = {
            item.needs.key
            for item in self.resolution.objects
            if all(self.live.leaves_to_its_owner(config, use) for use in item.uses)
        }
        return [item for item in unsure if all(need.key in of_owners for need in item.needs)]

    def fit_to_keras(self) -> None:
        """Leaves out of the config what only a newer Keras knows, where that changes nothing."""
        self.fitting = KerasFitting(
            self.modern.config,
            keras_version=self.environment.keras_version,
            saved_with=self.resolution.saved_with,
            policy=self.policy,
            installed=ImportedKeras(),
        )
        self.fitting.fit_own(given=self.live.names(), with_compile=self.compiles)
        self.findings += self.fitting.obstacles

    def skip_compile_if_asked(self) -> None:
        """Leaves the compiled state out if only it lacks something and the caller wants that."""
        if not self.compiles or not skips_compile() or not has_errors(self.findings):
            return
        before = self.findings
        lacking = [item for item in self.resolution.objects if self._fails(item)]
        needs = [item.needs for item in lacking]
        needs += [need for item in self._obstacles_to_compile() for need in item.needs]
        if not needs or any(not use.in_compile_config for i in lacking for use in i.uses):
            return
        self.compiles, self.findings = False, []
        self.resolve()
        self.fit_to_keras()
        if has_errors(self.findings):
            self.findings = before
            return
        self.findings.append(
            finding(
                "R108",
                self.policy,
                "the model is loaded without its compiled state",
                needs=tuple(needs),
                wanted="the optimizer, loss and metrics that it was compiled with",
                found="; ".join(i.summary for i in before if i.level is Level.ERROR),
                hint="the model predicts; call model.compile before training or evaluating",
            )
        )

    def _obstacles_to_compile(self) -> list[Finding]:
        """What of the compiled state the installed Keras cannot do."""
        obstacles = (item for item in self.findings if item.code in _OBSTACLES)
        return [item for item in obstacles if str(item.location).startswith(_COMPILED_POINTERS)]

    def _fails(self, item: ObjectResolution) -> bool:
        concerned = {need.key for f in self.findings if f.level is Level.ERROR for need in f.needs}
        return item.needs.key in concerned

    def stop_on_metadata(self) -> None:
        """Step 4: raises if metadata has errors, and then adds what snapshots tell.

        What only a snapshot says does not stop a load: the code may know better.
        """
        if has_errors(self.findings):
            self.findings += judge_by_snapshots(
                self.resolution, self.artifact.config, self.environment
            )
            self._fail()

    def stop_on_errors(self) -> None:
        """Raises if any finding so far is an error."""
        if has_errors(self.findings):
            self._fail()

    def _fail(self) -> NoReturn:
        raise self._error() from self._cause()

    def _error(self, in_place_of: Exception | None = None) -> LoadError:
        """The error with all findings, which are logged; Keras's own is kept in it, if any."""
        log_findings(self.findings)
        keras_error = None
        if in_place_of is not None:
            keras_error = (type(in_place_of), first_line(in_place_of, limit=500))
        return make_load_error(
            self.artifact.name,
            self.findings,
            config=self.artifact.config,
            in_place_of=keras_error,
        )

    def _cause(self) -> BaseException | None:
        """What pydantic and the migrations raised: one error, or all in a group."""
        errors = [] if self.judgement is None else self.judgement.errors
        if len(errors) < 2:  # noqa: PLR2004
            return errors[0] if errors else None
        return ExceptionGroup("the configs of several objects are refused", errors)

    def import_plugins(self) -> None:
        """Step 5: imports just the plugins needed; each failure is isolated."""
        for plugin in self.resolution.plugins:
            needs = tuple(i.needs for i in self.resolution.objects if i.plugin == plugin)
            wrong = import_plugin(plugin, self.registry, self.policy, needs)
            if wrong is not None:
                self.findings.append(wrong)

    def judge_code(self) -> None:
        """Step 6: what the imported code says about configs and schemas; it has the last word."""
        resolution, environment = self.resolution, self.environment
        self.findings += stale_snapshot_findings(resolution, environment, describe_live)
        self.findings += judge_schemas(resolution, describe_live)
        self.findings += backend_findings(resolution, describe_live, environment.backend)
        is_migratable = self.artifact.is_file and self.artifact.container in MODEL_CONTAINERS
        file = self.artifact.name if is_migratable else None
        if self.fitting is not None:
            for item in resolution.objects:
                self.fitting.fit_derived(derived_uses(item, self.live.target_of(item)))
            self.findings += self.fitting.left_out
        self.judgement = judge_configs(resolution, self.config, self.registry, file=file)
        self.findings += self.judgement.findings

    def open(self, open_model: Open) -> Any:
        """Step 7: lets Keras load, with what it needs injected for this load alone."""
        found, given = self._found(), self.live.given
        # Of a ``.h5`` file that has nothing to compile Keras would say so.
        compiles = self.compiles and (
            self.artifact.container != ".h5" or TRAINING_CONFIG in self.config
        )
        prepared = PreparedConfigs() if self.judgement is None else self.judgement.prepared
        try:
            with (
                under_way(parts_to_rewrite(self.artifact, self.config)) as self.progress,
                prepared.in_force(),
                watching_weights() as self.weight_migrations,
            ):
                if not found and not given:
                    model = open_model(None, compiles)
                else:
                    with inject(found, given):
                        model = open_model({**found, **given}, compiles)
        except Exception as error:
            self._explain(error)
            raise self._error(in_place_of=error) from error
        return model

    def _explain(self, error: Exception) -> None:
        """Finds why Keras raised an error."""
        known = [
            *self.unsure,
            *(list(failed_migrations(self.weight_migrations, self.policy)) or self._misplaced()),
            *unknown_argument_findings(self.resolution, self.config, error),
        ]
        self.findings += known
        if not has_errors(self.findings):
            self.findings += explain_failure(
                error, self.progress, self.resolution, self.config, self.weights_file
            )

    def _found(self) -> dict[str, Any]:
        return {
            item.key: self._under_its_name(item, target)
            for item in self.resolution.objects
            if item.source in {Source.LIVE, Source.PLUGIN}
            and (target := self.live.target_of(item)) is not None
        }

    def _under_its_name(self, item: ObjectResolution, target: Any) -> Any:
        """The class or function, or a stand-in with the name by which the file calls the class."""
        names = {use.class_name for use in item.uses if use.class_name is not None}
        named = target.__name__
        if not hasattr(target, "load_own_variables") or not names or named in names:
            return target
        old = [f"class {name}" for name in sorted(names)]
        self.findings.append(renamed_finding(self.resolution, item, old, f"class {named}"))
        if len(names) > 1 or not min(names).isidentifier():
            return target
        return self.former_names.stand_in(target, min(names))

    def _misplaced(self) -> list[Finding]:
        """What of the file's weights has no place in the model that Keras failed to fill."""
        model = self.progress.model
        if model is None or self.weights_file is None:
            return []
        try:
            with self.weights_file.compared(model) as comparison:
                return [] if comparison is None else list(misplaced(comparison, self.policy))
        except Exception:  # noqa: BLE001 - what Keras says of the weights is all that is known
            return []

    def verify_weights(self, model: Any) -> None:
        """Step 8: compares the weights in memory with those that were saved."""
        renewed = list(renewed_state(self.weight_migrations, self.policy))
        self.findings += renewed
        lost = []
        if self.compiles:
            misfits = self.progress.misfits
            lost = list(lost_state_findings(model, self.config, misfits, self.policy))
        without = set() if self.compiles and not renewed and not lost else {"optimizer"}
        parts = [part for part in PARTS if part not in without]
        verification = Verification(
            self.policy, self.weights_file, self.weight_migrations, self.progress.fresh
        )
        verification.verify(model, self.manifest, parts)
        self.findings += [*verification.findings, *lost]
        self.verified += verification.verified
        if self.compiles:
            is_recorded = self.manifest is not None and self.manifest.weights is not None
            self.findings += change_findings(
                model, self.config, self.policy, is_recorded=is_recorded
            )

    def judge_form(self) -> None:
        """Says so if the model was made of a config that is not made as the saved one was.

        It is said last: a class with a schema says it better.
        """
        if self.form is not None:
            self.findings.append(self.form)

    def report(self) -> LoadReport:
        """What the load found."""
        return LoadReport(
            name=self.artifact.name,
            manifest=self.manifest,
            objects=self.resolution.objects,
            findings=tuple(self.findings),
            verified=tuple(self.verified),
        )
