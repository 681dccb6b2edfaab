"""What happened, on disk: the folder that a search writes while it runs."""

from copain.runs.archive import Archive, Arrays
from copain.runs.folder import Best, Plan, RunFolder, Value

__all__ = ["Archive", "Arrays", "Best", "Plan", "RunFolder", "Value"]
