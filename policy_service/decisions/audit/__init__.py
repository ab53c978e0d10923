"""What an auditor asks: proofs, verification, replays, searches, comparisons, erasures."""
