"""Rows of a table as boxes: of each input the values that the row admits, and which rows meet or cover each other."""

from policy_service.policies.boxes.index import Box, Rows, chosen
from policy_service.policies.boxes.sides import Constants, Reading, Side, meet, reading_of, side_of, touch

__all__ = ["Box", "Constants", "Reading", "Rows", "Side", "chosen", "meet", "reading_of", "side_of", "touch"]
