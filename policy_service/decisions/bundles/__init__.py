"""Bundles: compiled, stored, activated, stopped, rolled back."""
