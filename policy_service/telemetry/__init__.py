"""How the service is doing: logs, metrics and traces. In a low layer, so that every other may use them."""
