"""Where the contract is ahead of the service, or silent: what the oracle does, each in one place to be flipped."""

# Rewards and advice of one policy stand by id; the contract to come says: in the order of the file.
BY_ID = True

# What nobody posted is shown as `not_applicable`; the contract to come leaves it out and lists it in `unposted`.
SHOW_UNPOSTED = True

# `x between a and b` and `[a..b]` with an unknown end: false where the other end already excludes x.
RANGE_IS_TWO_COMPARISONS = True

# A ratio in a text reads `0.86`; the contract to come says: as percent.
RATIO_AS_PERCENT = False

# A claim stands with rewards alone; the contract to come gives one to what is not met, too.
CLAIMS_OF_NOT_GRANTED = False

# With rule_conflict `fired` shows the rows of every table, not only of those that contradict themselves.
CONFLICT_SHOWS_ALL_ROWS = True

# `steps` passes over a start that is null; to say null as long as it might be reached would be the other reading.
STEPS_PASS_OVER_NULL = True

# A required decision that is null for want of a section is named in `missing`; the contract to come names the section.
SECTION_IN_PLACE_OF_DECISION = False

# In a stacking group a reward without a priority comes first.
NO_PRIORITY_FIRST = True
