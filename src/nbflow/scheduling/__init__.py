"""Who may go now. Pure: `now` is an argument, and a queue asked twice answers the same."""

from nbflow.scheduling.admission import Admission
from nbflow.scheduling.request import Request

__all__ = ["Admission", "Request"]
