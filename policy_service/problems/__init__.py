"""Refusals: RFC 9457 problems that list every fault at once. Uses no web framework."""
