"""What was asked, read and checked: JSON texts, schemas, filters, the items of a batch. Knows no web framework."""
