"""The report: one HTML file that opens anywhere, offline, and leaks nothing."""
