"""The policy service: rule files in, rewards and recommendations out, every decision replayable."""

__version__ = "0.1.0"
