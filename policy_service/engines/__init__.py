"""How a policy is run: several engines with one meaning."""
