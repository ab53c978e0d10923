"""What makes the log provable: tree, tiles, keys, signed heads, receipts, commitments, and the file of one decision.

Pure: no store, no clock, no HTTP. Random are salts and new keys alone.
"""
