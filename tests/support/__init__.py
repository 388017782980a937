"""What the tests share: child processes, real distributions, plugins, models, golden texts."""
