"""Fusion metrics, batched: planes (B, 1, H, W) in [0, 1] in, scores (B,) out.

Every metric looks at the 8-bit grey levels 0..255 that a file would hold.
`ssvif.metrics.table.METRICS` lists them with units, ranges and sources.
"""
