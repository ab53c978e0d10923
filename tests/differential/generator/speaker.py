"""Expressions of every type."""

from __future__ import annotations

from tests.differential.generator.cells import Cells
from tests.differential.generator.compounds import Compounds
from tests.differential.generator.conditions import Conditions
from tests.differential.generator.lists import Lists
from tests.differential.generator.numbers import Numbers
from tests.differential.generator.quotients import Quotients
from tests.differential.generator.times import Times
from tests.differential.generator.words import Words


class Speaker(Numbers, Lists, Compounds, Quotients, Conditions, Times, Words, Cells):
    """Writes expressions and cells over the names in reach."""
