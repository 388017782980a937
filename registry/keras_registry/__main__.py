"""``python -m keras_registry``: the same as the command ``keras-registry``."""

import sys

from keras_registry.cli import main

sys.exit(main())
