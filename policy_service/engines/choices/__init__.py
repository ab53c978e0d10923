"""Hit policies as data, run and lowered."""

from policy_service.engines.choices.choice import Choice, Ranking, choice
from policy_service.engines.choices.lowered import Lowered, lowered
from policy_service.engines.choices.running import DEFAULT, Choose, Hit, chooser

__all__ = ["DEFAULT", "Choice", "Choose", "Hit", "Lowered", "Ranking", "choice", "chooser", "lowered"]
