"""Readable pages about decisions, each one HTML file. Nothing here serves them over HTTP."""
