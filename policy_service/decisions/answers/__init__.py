"""Bundle, state and day to an answer: the compared part, the same bytes on every engine."""
