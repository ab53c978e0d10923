"""What keeps heads outside the store: witnesses over HTTP, and a folder in which nothing is changed."""
