"""Faults of the engines that are known and not mended yet: what runs into them is not written.

Each goes from this list with its mending, and nothing else has to be changed: what it kept out is then written again.
"""

from __future__ import annotations

AVOIDED = {
    "records of several scales": "records in a choice, list or `steps` keep their own decimals: rete shows 0.99 for 99",
    "records of several files": "a whole record of a file with fewer decimals than a later one is read as 0.04 for 4",
    "null records in a list": "`[r1, r2].field` raises TypeError in rete where r1 is null",
    "nested lists of several scales": "numbers in lists of lists keep their own decimals: rete shows 5 for 50",
    "lists of several scales": "a list that is not written out is not brought to another scale (L202, L205)",
}
"""What is kept out of the folders, and the fault that it shows."""


def is_avoided(name: str) -> bool:
    return name in AVOIDED
