"""Notebooks: code cells as one source file, and findings back in their cells."""
