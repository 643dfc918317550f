"""Changing the container of a clip: which streams stay as they are, and how the others are encoded."""
