"""What the author's commands remember between runs, so that a folder of which little changed is checked quickly.

Nothing that serves, publishes or activates reads it.
"""
