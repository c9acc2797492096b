"""The checks of the contract kit."""
