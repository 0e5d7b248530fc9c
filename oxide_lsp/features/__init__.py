"""What the editor can ask: one module a feature."""
