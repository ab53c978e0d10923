"""The command line `policyctl`: for a person at a terminal and for scripts."""
