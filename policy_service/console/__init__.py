"""Pages for people: what was decided, to be read, printed and checked. No script, and nothing from elsewhere."""
