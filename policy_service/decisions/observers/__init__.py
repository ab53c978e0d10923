"""What looks at answers in the background, after they were given: the judge and the shadow."""
