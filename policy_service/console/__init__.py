"""The pages of the console, served over HTTP. They have no script and load nothing."""
