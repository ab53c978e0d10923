"""The cases of `.test.yaml` files: read, run, compared with what they expect."""
