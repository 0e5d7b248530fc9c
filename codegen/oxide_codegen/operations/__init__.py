"""Work as values: described, put on streams side by side, waited for, written down as graphs."""
