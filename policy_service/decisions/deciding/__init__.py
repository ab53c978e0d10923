"""A request resolved, decided, recorded and answered."""
