"""The operations of auditors: proofs, verification, replays, searches, comparisons, erasures."""
