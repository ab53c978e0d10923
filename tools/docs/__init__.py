"""What the documentation holds that is not written by hand, and how its hand-written blocks are run."""
