"""The language server: the only part that knows the protocol and UTF-16."""
