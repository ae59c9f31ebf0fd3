from ssvif.fuse.api import fuse as fuse

__version__: str
