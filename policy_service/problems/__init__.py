"""What a refusal says: RFC 9457 problems with every fault at once, whoever is refused. Knows no HTTP."""
