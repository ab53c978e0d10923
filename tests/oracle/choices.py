"""Where the contract is ahead of the service, silent, or not kept: what the oracle does, each to be flipped here."""

# -- Where the contract is ahead: what the service answers today.

# Rewards and advice of one policy stand by id; else in the order of the file.
BY_ID = True

# What nobody posted is shown as `not_applicable`; else left out and listed in `unposted`, unless named outright.
SHOW_UNPOSTED = True

# Whether a decision gives the claim of what is not met, not applicable or excluded.
CLAIMS_OF_NOT_GRANTED = False

# A required decision that is null for want of a section is itself named in `missing`; else the section is.
SECTION_IN_PLACE_OF_DECISION = False


# -- Where the contract is silent or unclear: what the service answers today.

# `x between a and b` and `[a..b]` with an unknown end: false where the other end already excludes x; else null.
RANGE_IS_TWO_COMPARISONS = True

# `steps` passes over a start that is null; else it is null.
STEPS_PASS_OVER_NULL = True

# With rule_conflict `fired` shows the rows of every table; else of those that contradict themselves.
CONFLICT_SHOWS_ALL_ROWS = True

# In a stacking group a reward without a priority comes first; else last.
NO_PRIORITY_FIRST = True

# A row of a relation is explained by its cells of conditions; one of constants alone (`row = "a"`) is passed over.
CONSTANT_CELLS_SAY_NOTHING = True

# A null decision of another policy stands in `missing` with the null facts behind it; else alone.
MISSING_NAMES_FACTS_BEHIND = True
