"""The online engine: one state at a time through the Rete network of durable-rules."""
