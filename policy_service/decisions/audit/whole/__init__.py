"""The parts of a verification of the whole log: each looks at every record in its order, and then at what is beside."""
