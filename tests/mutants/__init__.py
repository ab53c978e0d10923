"""Seeded faults, and whether the reference engine finds each of them."""
