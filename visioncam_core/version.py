"""The version: here and nowhere else; the build reads it from this file."""

VERSION = "1.0.0.dev0"
