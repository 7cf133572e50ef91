"""Recordings in a bucket, over real HTTP: all that a folder does, and nothing lost while the bucket is away."""
