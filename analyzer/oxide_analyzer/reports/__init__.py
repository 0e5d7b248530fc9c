"""Reports as text and JSON: pure functions from data to strings."""
