"""Pictures of what models found, in the style of `perflab.figures`."""

from perflab.pictures.caches import misses
from perflab.pictures.interleaving import interleaving
from perflab.pictures.pipeline import pipeline
from perflab.pictures.timeline import timeline

__all__ = ["interleaving", "misses", "pipeline", "timeline"]
