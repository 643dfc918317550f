"""The pipeline: upload, job, engine, export."""

__version__ = "0.1.0"
