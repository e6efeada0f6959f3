"""Measures sync engines against an S3 server in memory."""
