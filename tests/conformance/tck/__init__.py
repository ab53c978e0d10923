"""The cases of the DMN technology compatibility kit: read, written as rule folders, run on every engine."""
