"""Needs a package that is not installed."""

import fake_package_nobody_has  # noqa: F401
