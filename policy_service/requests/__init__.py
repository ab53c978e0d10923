"""Requests read and checked: JSON texts, schemas, filters, the items of a batch. Uses no web framework."""
