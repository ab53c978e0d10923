"""Work beside the requests: the judge and the shadow."""
