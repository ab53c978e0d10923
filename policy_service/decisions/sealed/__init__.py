"""Records in the tamper-evident log: indices, tree, signed heads, and the terms that find them."""
