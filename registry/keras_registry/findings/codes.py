"""The table of findings: each code, and its level under each policy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["CODES", "Code", "Level", "Policy"]


class Level(StrEnum):
    """How much a finding matters: an error stops, a warning is shown, a note is kept."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Policy(StrEnum):
    """How strictly the situations that leave a choice are judged."""

    STRICT = "strict"
    COMPATIBLE = "compatible"
    PERMISSIVE = "permissive"


@dataclass(frozen=True, slots=True)
class Code:
    """A row of the table of findings.

    Attributes:
        code: A letter for the room (A artifact, M manifest, D discovery, R resolution, S config
            schema, W weights, K Keras) and three digits; never used again for something else.
        title: The situation in a few words.
        strict: The level under the strict policy.
        compatible: The level under the compatible policy, which is the default.
        permissive: The level under the permissive policy.
        explanation: What it means, why it matters and what to do.
    """

    code: str
    title: str
    strict: Level
    compatible: Level
    permissive: Level
    explanation: str

    def level(self, policy: Policy) -> Level:
        """The level of this situation under a policy."""
        match policy:
            case Policy.STRICT:
                return self.strict
            case Policy.COMPATIBLE:
                return self.compatible
            case Policy.PERMISSIVE:
                return self.permissive


def _rows() -> Iterable[Code]:  # noqa: PLR0915 - a table
    error, warning, note = Level.ERROR, Level.WARNING, Level.NOTE
    always = (error, error, error)
    judged = (error, warning, note)
    grave = (error, error, warning)
    mild = (warning, note, note)
    noted = (note, note, note)

    yield Code(
        "A101",
        "no such file",
        *always,
        "There is nothing at the path. Check the spelling and the working directory.",
    )
    yield Code(
        "A102",
        "a folder that is no model",
        *always,
        "The path is a folder without the config.json that a saved model has. Name the model file "
        "itself, or the folder that `model.save(path, zipped=False)` wrote.",
    )
    yield Code(
        "A103",
        "an empty file",
        *always,
        "The file has no bytes: a save or a copy that was cut off at its start. Copy or save the "
        "model again.",
    )
    yield Code(
        "A104",
        "not a .keras file",
        *always,
        "A .keras file is a zip archive; this one begins like something else, such as a web page "
        "that was downloaded in place of the file, or an HDF5 file with the wrong ending.",
    )
    yield Code(
        "A105",
        "a damaged file",
        *always,
        "The file begins as a zip archive or an HDF5 file, but a part of it cannot be read, or is "
        "not what was written: it was cut off or changed on its way. What would crash libhdf5, or "
        "keep it busy for ever, is found before libhdf5 reads it. Copy or save the model again.",
    )
    yield Code(
        "A106",
        "an archive that is no Keras model",
        *always,
        "The zip archive lacks a member that every saved Keras model has.",
    )
    yield Code(
        "A107",
        "an unreadable member",
        *always,
        "The model's description inside the file is not the JSON that Keras writes, or it is "
        "larger or more deeply nested than any real model.",
    )
    yield Code(
        "A108",
        "no config schemas",
        *always,
        "The path holds no published config schemas and no snapshot, or one of them is broken.",
    )
    yield Code(
        "A109",
        "another kind of file",
        *always,
        "This command reads models in the .keras format.",
    )
    yield Code(
        "A110",
        "an exported model",
        *always,
        "The path is a SavedModel, which model.export wrote: a graph without the config that a "
        "Keras model is made of. TensorFlow serves it, and keras.layers.TFSMLayer runs it inside a "
        "Keras model; neither needs a plugin. To train or change it, load the file that model.save "
        "wrote.",
    )
    yield Code(
        "A111",
        "a file that cannot be rewritten",
        *always,
        "The command writes a new file beside the old one, which then takes its place in one step. "
        "That needs a file that may be written, a folder that takes a new one, room on the disk, "
        "and that nobody else writes the file meanwhile. Where weights are migrated, Keras must be "
        "able to save the model as such a file. The old file is as it was.",
    )
    yield Code(
        "A112",
        "a decompression bomb",
        *always,
        "A member of the zip archive claims to unpack to more than a hundred times what is stored "
        "of it, and to gigabytes. Keras stores members as they are, so that no model does that; "
        "unpacked, it would fill the memory or the disk. Nothing of the file was unpacked.",
    )

    yield Code(
        "M101",
        "no manifest",
        *mild,
        "The model was saved without keras-registry, so neither the distributions that its custom "
        "objects come from nor their versions are known, and its weights cannot be proved to be "
        "those that were saved. Saving it again with keras-registry imported adds a manifest, and "
        "`keras-registry embed` one that has what the file itself and this environment tell.",
    )
    yield Code(
        "M102",
        "a manifest that cannot be used",
        *judged,
        "The manifest does not have the form that its format describes, so nothing in it is "
        "believed: the model is treated as one without a manifest.",
    )
    yield Code(
        "M103",
        "a manifest of another major version",
        *always,
        "The manifest was written by a keras-registry whose format this one cannot know. Upgrade "
        "keras-registry.",
    )
    yield Code(
        "M104",
        "a manifest of a newer minor version",
        *noted,
        "The manifest was written by a newer keras-registry. What this one knows is read, the "
        "rest is left alone.",
    )
    yield Code(
        "M105",
        "a name in the manifest that is none",
        *judged,
        "Where the manifest should name a distribution, a version or a key it holds something "
        "else. No well-meant manifest does. Nothing in it is believed and no command is "
        "suggested from it.",
    )
    yield Code(
        "M106",
        "the manifest and the model disagree",
        *judged,
        "The model's description is not the one that the manifest was made for: it was edited, "
        "or saved again by a program that kept the old manifest. What the model needs was found "
        "from the description itself, never from the manifest. If the change was meant, "
        "`keras-registry embed --replace` brings the manifest up to date.",
    )
    yield Code(
        "M107",
        "objects without a distribution in the new manifest",
        *(warning, warning, note),
        "`keras-registry embed` names the distribution of each custom object by what is installed "
        "where it runs, and no installed distribution lists these objects, or more than one does. "
        "The manifest names none for them, so a load elsewhere cannot say what to install.",
    )

    yield Code(
        "M108",
        "a model description of another form",
        *grave,
        "The model's description was changed since the manifest was made, and not only in its "
        "values: an argument is there or is missing, or has a value of another type. Keras takes "
        "much of that without a word and makes another model. If the change was meant, "
        "`keras-registry embed --replace` brings the manifest up to date.",
    )

    yield Code(
        "D101",
        "an installed distribution with broken metadata",
        *(warning, warning, note),
        "The metadata of an installed distribution cannot be read, so its plugins cannot be "
        "found. Install the distribution again.",
    )
    yield Code(
        "D102",
        "two copies of a distribution",
        *(warning, warning, note),
        "A distribution is found in two places of sys.path; the first is the one that Python "
        "imports. Remove the other.",
    )
    yield Code(
        "D103",
        "two distributions claim one key",
        *(warning, warning, note),
        "Two installed distributions list the same key. A model whose manifest names one of them "
        "loads with that one; any other load would have to guess, and stops.",
    )
    yield Code(
        "D104",
        "an entry point that cannot be used",
        *(warning, warning, note),
        "An entry point of a keras_registry group must have a key with a namespace as its name "
        "and `module:attribute` as its value.",
    )
    yield Code(
        "D105",
        "an alias that is not used",
        *(warning, warning, note),
        "An alias counts if it leads to a plugin of its own distribution; a bare one, besides, "
        "only if one distribution claims it and Keras has nothing of that name.",
    )

    yield Code(
        "D106",
        "a snapshot that cannot be read",
        *(warning, warning, warning),
        "The file keras_registry.json of an installed distribution is broken, so what only its "
        "code knows is known only once that is imported. Its author must write the snapshot "
        "anew.",
    )
    yield Code(
        "D107",
        "a snapshot of another distribution",
        *(warning, warning, warning),
        "The file keras_registry.json of an installed distribution describes another "
        "distribution, and is not believed.",
    )
    yield Code(
        "D108",
        "a snapshot that is out of date",
        *(warning, warning, warning),
        "The snapshot of a distribution disagrees with its entry points or with its code. The "
        "code is right; its author must write the snapshot anew.",
    )
    yield Code(
        "D109",
        "a snapshot of another major version",
        *(warning, warning, warning),
        "The snapshot has a format that this keras-registry does not read. The distribution is "
        "used all the same; upgrade keras-registry to have it checked before it is imported.",
    )
    yield Code(
        "D110",
        "a snapshot with a newer format",
        *noted,
        "The snapshot was written by a newer keras-registry. What this one knows of it is used.",
    )
    yield Code(
        "R101",
        "a distribution is not installed",
        *always,
        "The model uses objects from a distribution that this environment does not have. Install "
        "it if you trust its source: it is the model file that names it.",
    )
    yield Code(
        "R102",
        "an installed distribution does not provide the object",
        *always,
        "The distribution that the model was saved with is installed, but it does not list the "
        "object: another version, perhaps, or the object was renamed.",
    )
    yield Code(
        "R103",
        "a plugin cannot be imported",
        *always,
        "The distribution is installed, but importing its module fails. The reason is what "
        "Python said. Most often something that it requires is missing: installing the "
        "distribution again brings it.",
    )
    yield Code(
        "R104",
        "two distributions provide the object",
        *always,
        "The model does not say which of the distributions that provide the object it was saved "
        "with, and a guess could load another class. Remove one, or pass the right class in "
        "custom_objects.",
    )
    yield Code(
        "R105",
        "a plugin does not keep what its entry point promises",
        *always,
        "The entry point leads to something that is not registered under that key. The author "
        "of the distribution must decorate it with `@register`, or mend the entry point.",
    )
    yield Code(
        "R106",
        "nothing here provides the object",
        *always,
        "No installed distribution lists the object, Keras does not have it, and the file does "
        "not say where it came from.",
    )
    yield Code(
        "R107",
        "an object that was never published",
        *always,
        "The object was defined in a script or a notebook when the model was saved. Run its "
        "definition first, or pass it in custom_objects; for good, move it into an installable "
        "distribution.",
    )
    yield Code(
        "R108",
        "the compile state was left out",
        *(warning, warning, warning),
        "A loss, metric or optimizer of the compiled model is missing, and the caller asked to "
        "load without it. The model predicts; to train or evaluate it, compile it first.",
    )

    yield Code(
        "R201",
        "a distribution is too old",
        *grave,
        "The installed version is older than the one that the model was saved with, and lies "
        "outside its compatible range.",
    )
    yield Code(
        "R202",
        "a distribution is older than the one used to save",
        *judged,
        "The installed version is older than the one that the model was saved with, though in "
        "the same compatible range. A field or a fix may be missing.",
    )
    yield Code(
        "R203",
        "a distribution is newer",
        *noted,
        "The installed version is newer than the one that the model was saved with, and in the "
        "same compatible range.",
    )
    yield Code(
        "R204",
        "a newer distribution that migrates the config",
        *mild,
        "The installed version is newer than the compatible range of the one that the model was "
        "saved with. Its declared migrations brought the saved config to the installed "
        "config_version.",
    )
    yield Code(
        "R205",
        "a distribution is newer than the compatible range",
        *judged,
        "The installed version is newer than the compatible range of the one that the model was "
        "saved with. The object's config schema is still the same.",
    )
    yield Code(
        "R206",
        "a newer distribution with another config schema",
        *grave,
        "The installed version is newer than the compatible range, and the object's config "
        "schema changed without a declared migration. The saved config is still valid, but may "
        "mean something else now.",
    )
    yield Code(
        "R207",
        "another config schema under the same version",
        *judged,
        "The object's config schema changed although its config_version did not. The saved "
        "config is still valid.",
    )
    yield Code(
        "R208",
        "the same version with other code",
        *judged,
        "The installed distribution has the version that the model was saved with, but its files "
        "differ: it was built or edited anew without a new version.",
    )
    yield Code(
        "R209",
        "an editable install",
        *noted,
        "The distribution is, or was, installed in editable mode, so it cannot be told whether "
        "its code is the one that the model was saved with.",
    )
    yield Code(
        "R210",
        "another distribution provides the object",
        *judged,
        "The object comes from another distribution than the one that the model was saved with: "
        "that one does not provide it here and exactly one other does, or the other's is imported "
        "already. The object may have moved there.",
    )
    yield Code(
        "R211",
        "a newer distribution, its config schema not known",
        *judged,
        "The installed version is newer than the compatible range. Whether the object's config "
        "schema changed is known only once the plugin is imported, as a load does.",
    )

    yield Code(
        "R301",
        "an object given by the caller",
        *noted,
        "The caller passed the object in custom_objects, and it was used.",
    )
    yield Code(
        "R302",
        "an object of the enclosing scope",
        *noted,
        "An enclosing custom_object_scope has the object, and it was used.",
    )
    yield Code(
        "R303",
        "an object defined by the running program",
        *noted,
        "The running program registered the object itself, outside the distribution that lists "
        "it, and it was used; its version cannot be checked.",
    )
    yield Code(
        "R304",
        "an object that Keras found",
        *noted,
        "The object is not a plugin. Plain Keras finds it by itself, and it was used as it is.",
    )

    yield Code(
        "R305",
        "a class that was renamed",
        *noted,
        "The file calls the class by a former name, from which Keras built the paths of its "
        "weights. It is loaded by that name and is saved under its present one.",
    )
    yield Code(
        "S101",
        "a config that its schema refuses",
        *always,
        "A value in the saved config is not one that the installed class accepts.",
    )
    yield Code(
        "S102",
        "a config that is too new",
        *always,
        "The config was written by a newer version of the class. Upgrade the distribution.",
    )
    yield Code(
        "S103",
        "a config that is too old",
        *always,
        "The config was written under an older config_version, and the installed class declares "
        "no migration from it.",
    )

    yield Code(
        "S104",
        "a config that was migrated",
        *noted,
        "The config was written under an older config_version, and the declared migrations were "
        "run. To have it done once and for all, run keras-registry migrate.",
    )
    yield Code(
        "S105",
        "a migration that failed",
        *always,
        "A declared migration could not bring the saved config to the installed config_version. "
        "The author of the distribution must mend the step that is named.",
    )
    yield Code(
        "S106",
        "an argument that get_config leaves out",
        *judged,
        "A hand-written get_config does not return an argument that the object was given. The "
        "model would be loaded with the default in its place. The author of the class must add "
        "it, or leave get_config to keras-registry.",
    )
    yield Code(
        "S107",
        "a config that could not be loaded back",
        *grave,
        "An object of the model has a config that its own class refuses, so the file could "
        "never be loaded. Nothing was written.",
    )
    yield Code(
        "S201",
        "a config schema that breaks old files",
        *always,
        "A config schema changed so that configs of released versions are refused or mean "
        "something else, and neither config_version nor the migrations say so.",
    )
    yield Code(
        "S202",
        "a config schema that changed",
        *noted,
        "A config schema changed in a way that all old configs satisfy, or with a new "
        "config_version and a migration for the old ones.",
    )
    yield Code(
        "S203",
        "keys that differ only in case",
        *always,
        "Two keys of one kind differ only in the case of their letters, so their published "
        "schemas would be one file where file names ignore case.",
    )
    yield Code(
        "W101",
        "weights that were not restored",
        *always,
        "After the load the model does not hold the arrays of its file, so a part of it would "
        "compute with random values, or with wrong ones. Most often a layer's build() does not "
        "build the layers inside it, or a class was changed since the model was saved.",
    )
    yield Code(
        "W102",
        "weights that are not those that were saved",
        *grave,
        "The weights in the file, and so those in memory, differ from those that the model had "
        "when it was saved: the file was changed or damaged.",
    )
    yield Code(
        "W103",
        "weights that cannot be verified",
        *noted,
        "A layer's own way to save its variables fails after the load, so its weights cannot be "
        "compared with those that were saved.",
    )

    yield Code(
        "W104",
        "an optimizer state that is not the one that was saved",
        *judged,
        "The optimizer's variables were not restored as they were saved. The model predicts "
        "rightly, but training does not go on where it stopped.",
    )

    yield Code(
        "W105",
        "migrated weights that do not fit",
        *always,
        "The function migrate_weights of a class returned arrays with other names or shapes "
        "than the object has: the author of the distribution must mend it. Or the arrays of the "
        "object cannot be told from the others of a .h5 file, which has them in lists: load the "
        "file with the version that saved it, save the model as .keras, and migrate that.",
    )
    yield Code(
        "W106",
        "weights that the caller let be passed over",
        *noted,
        "The file and the model do not hold the same arrays, and an argument of the call, such as "
        "skip_mismatch=True, allows that. What is named keeps the values that it had.",
    )
    yield Code(
        "W107",
        "a state of metrics that is not the one that was saved",
        *judged,
        "A layer holds a metric, and what that has counted is not what it had counted when the "
        "model was saved.",
    )
    yield Code(
        "W108",
        "assets that are not those that were saved",
        *grave,
        "Assets are files that a layer saves beside its weights, such as a vocabulary. With others "
        "the model computes something else.",
    )
    yield Code(
        "K101",
        "saved by a newer Keras",
        *mild,
        "The model was saved by a newer Keras than the one that loads it.",
    )
    yield Code(
        "K102",
        "saved under another backend",
        *mild,
        "The model was saved under another Keras backend than the one that loads it.",
    )
    yield Code(
        "K103",
        "an argument that this Keras does not take",
        *always,
        "The config of one of Keras's own objects has an argument that the installed Keras does "
        "not know, most often because a newer Keras saved the model. It is left out only if its "
        "value is known to change nothing.",
    )
    yield Code(
        "K104",
        "a backend that the object does not run on",
        *grave,
        "The author of the object says on which Keras backends it runs, and the one in use is "
        "not among them.",
    )
    yield Code(
        "K105",
        "an object that could not be made",
        *always,
        "The class or function was found and its config is valid, and yet making the object, or "
        "compiling the model with it, raised an error: that of its own code, or of Keras.",
    )
    yield Code(
        "K106",
        "weights that could not be restored",
        *always,
        "The file has arrays of the right shapes where the model has variables, and yet the code "
        "that takes them raised an error.",
    )
    yield Code(
        "K107",
        "a lambda, which safe mode refuses",
        *always,
        "The file holds the bytecode of a lambda, which may do anything. Keras runs it only if the "
        "caller says `safe_mode=False`. Register a function and save the model with that.",
    )
    yield Code(
        "K108",
        "a load that did not end well",
        *always,
        "`verify --build` loads the model in a process of its own, and that process crashed or "
        "took too long. A damaged file can do that to the libraries that read it.",
    )
    yield Code(
        "K109",
        "arguments of a newer Keras that were left out",
        *(error, warning, warning),
        "A newer Keras saved the model and wrote arguments that the installed one does not know. "
        "All of them have the value with which the newer Keras does what the older one does, so "
        "that nothing is lost without them.",
    )
    yield Code(
        "K110",
        "a class that this Keras does not have",
        *always,
        "The model uses a layer, an optimizer or an operation of Keras that came with a newer "
        "release than the installed one. Upgrade Keras.",
    )
    yield Code(
        "K121",
        "a model of Keras 2",
        *noted,
        "Keras 2 saved the model. Where it called something otherwise than Keras 3, or wrote "
        "arguments that no longer exist and have the value that Keras 3 always has, the config "
        "was brought to its present form. The file stays as it is.",
    )
    yield Code(
        "K122",
        "something of Keras 2 that Keras 3 does not have",
        *always,
        "Keras 2 saved the model, with a class or a setting that Keras 3 has no more, such as "
        "operations of TensorFlow between layers (TFOpLambda). The Keras that saved it can load "
        "it: with that, take its weights over into a model that is built anew.",
    )
    yield Code(
        "K111",
        "a model that is not compiled as it was saved",
        *judged,
        "Keras did not give to `compile` what it had been given when the model was saved, most "
        "often because the class has a `compile` of its own, which Keras does not call. The model "
        "predicts rightly; compile it before it is trained or evaluated.",
    )
    yield Code(
        "K112",
        "random numbers that begin anew",
        *noted,
        "Layers such as `Dropout` draw random numbers, and Keras does not save how far they came. "
        "Training goes on with other random numbers than it would have without the round trip.",
    )
    yield Code(
        "K113",
        "saved under another version of the backend",
        *noted,
        "The model was saved under the same backend, in another release than the one in use. Where "
        "a load fails in the code of a plugin, this may be why.",
    )
    yield Code(
        "K114",
        "a lambda that Keras cannot load",
        *always,
        "Keras writes a lambda that is the activation of one of its layers in a form that it does "
        "not read, whatever `safe_mode` is. The weights are in the file all the same: build the "
        "model anew with a registered function in place of the lambda, and call `load_weights`.",
    )
    yield Code(
        "K201",
        "objects that nobody else can load",
        *(warning, warning, warning),
        "The model was saved, but what it uses exists only in this program: lambdas, objects of "
        "a script or notebook, classes that are not registered. Another process cannot load it "
        "without their source.",
    )
    yield Code(
        "K202",
        "saved without a manifest",
        *(warning, warning, warning),
        "The manifest could not be made, so the model was saved as plain Keras saves it.",
    )
    yield Code(
        "K203",
        "assets that the format has no place for",
        *(warning, warning, warning),
        "A `.h5` file has no place for the assets of a layer, such as a vocabulary that it was "
        "adapted to: after a load they are gone. Save the model as `.keras`, or give the layer its "
        "vocabulary in the constructor.",
    )
    yield Code(
        "K204",
        "parts of a model that Keras cannot load from the format",
        *(warning, warning, warning),
        "Keras writes operations into a `.h5` file by their bare names, which it does not find "
        "again or takes for layers, and numbers of bfloat16 or float8 as bytes without a type. "
        "Save the model as `.keras`.",
    )
    yield Code(
        "K205",
        "settings of the optimizer that no file keeps",
        *(warning, warning, warning),
        "Keras does not save which variables `exclude_from_weight_decay` names: after a load all "
        "of them decay.",
    )
    yield Code(
        "K206",
        "functions that are called like Keras's own",
        *(warning, warning, warning),
        "Keras writes a function that is not registered by its bare name, and by that name finds "
        "its own. A model with another function of the name computes something else after a load.",
    )
    yield Code(
        "K207",
        "functions with values that no file keeps",
        *(warning, warning, warning),
        "A function that is made inside another uses that one's variables, and Keras writes its "
        "name alone: two such functions with other values are one and the same after a load. Make "
        "it a class whose constructor takes the values, which its config then has.",
    )
    yield Code(
        "K301",
        "a Keras that cannot be hooked",
        *(warning, warning, warning),
        "This Keras lacks an internal function that the hooks need, so model.save and "
        "keras.saving.load_model are left as they are. keras_registry.save_model and load_model "
        "work.",
    )
    yield Code(
        "K302",
        "tf_keras is not covered",
        *(warning, warning, warning),
        "With TF_USE_LEGACY_KERAS=1, tf.keras is the separate tf_keras package (Keras 2), whose "
        "saving keras-registry does not touch.",
    )


CODES: Mapping[str, Code] = {row.code: row for row in _rows()}
