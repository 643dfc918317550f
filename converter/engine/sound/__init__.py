"""Everything about sound: its formats, its loudness, its pauses, and the work that puts them together."""
