"""Networks, tables and explanations made by hand."""
