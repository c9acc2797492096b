"""Plugins with one fault each; the contract kit must reject them."""
