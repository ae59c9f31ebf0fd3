"""Fuses videos: files, cameras, streams and pipes; all but `sources` needs PyAV."""
