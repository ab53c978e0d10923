"""The HTTP face: a blueprint per resource; schemas describe, problems refuse, and the views only call the service."""
