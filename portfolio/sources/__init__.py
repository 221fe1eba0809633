"""Adapters: one way in for each kind of file that a bank or an analyst holds."""
