"""HLS: several renditions of one clip, cut at the same places, with one list of them all (RFC 8216)."""
