"""The Oxide frontend: Python source to typed kernel IR, read and never imported or run."""

from oxide_analyzer.frontends.oxide.reading import Reading, Unread, read, read_given

__all__ = ["Reading", "Unread", "read", "read_given"]
