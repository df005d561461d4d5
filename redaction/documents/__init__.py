"""Documents that travel in requests: what they say, or that nobody could read them. Pure, for a worker process."""

from redaction.documents.reading import read
from redaction.documents.types import Document, Limits, Piece

__all__ = ["Document", "Limits", "Piece", "read"]
