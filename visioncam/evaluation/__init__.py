"""Measuring the maps of several methods on the user's own pictures, beside controls that know nothing."""
