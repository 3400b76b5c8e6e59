"""Send leads to Stagewise."""

__version__ = "0.1.0"
