"""How the service is: logs, metrics, traces. The lowest layer, so that every other may tell."""
