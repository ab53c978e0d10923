"""Rules and answers described for callers, and in words for readers."""
