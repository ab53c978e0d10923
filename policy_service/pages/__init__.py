"""Pages about decisions, written as one HTML file each. Nothing here serves them."""
