"""Bundles compiled and at hand; stored, activated, stopped and taken back."""
