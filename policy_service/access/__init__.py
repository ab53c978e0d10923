"""Who may ask: principals and their roles, API keys, tokens of an issuer, rates, and the trail of who did what."""
