"""Rules and answers in words, for callers and readers."""
