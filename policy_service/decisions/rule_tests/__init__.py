"""The cases of `.test.yaml` files: read, run, compared."""
