"""What one owner may have and use: bytes stored, unfinished jobs, CPU seconds in a day.

Uploads, jobs and exports are reached through their owner's relations, because they stand above.
"""
