"""Observers of answers, which work in the background: the judge and the shadow."""
