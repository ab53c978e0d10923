"""The data that a store keeps of bundles, decisions, log and observations, and the interfaces (ports) it implements."""
