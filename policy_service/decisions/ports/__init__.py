"""What is kept of bundles, decisions, the log and observations, and the ports through which a store keeps it."""
