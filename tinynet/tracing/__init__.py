"""One training step, line by line: `tinynet.trace` records it, as a table or as a page.

``recording`` runs the step of a copy of the model and keeps what every line reads and writes;
``traced`` is what it makes, with its table; ``page`` makes a page of it that explains every number.
"""

from tinynet.tracing.recording import trace
from tinynet.tracing.traced import Trace, TracedArray, TracedLine

__all__ = ["Trace", "TracedArray", "TracedLine", "trace"]
