"""What this machine has: distributions, plugins, Python, Keras and its backend.

Everything is read from the metadata of installed distributions; nothing is imported. The
exception is `load_plugin`, whose whole purpose it is to import.
"""

from keras_registry.environment.findings import (
    missing_snapshot_finding,
    rivals_finding,
    stale_snapshot_finding,
)
from keras_registry.environment.installed import DEFAULT_BACKEND, Environment
from keras_registry.environment.model import InstalledDistribution, Plugin, load_plugin
from keras_registry.environment.reading import normalise_version
from keras_registry.environment.snapshots import (
    InstalledSnapshot,
    find_package_folders,
    read_snapshot_file,
)

__all__ = [
    "DEFAULT_BACKEND",
    "Environment",
    "InstalledDistribution",
    "InstalledSnapshot",
    "Plugin",
    "find_package_folders",
    "load_plugin",
    "missing_snapshot_finding",
    "normalise_version",
    "read_snapshot_file",
    "rivals_finding",
    "stale_snapshot_finding",
]
