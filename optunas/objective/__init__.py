"""What a study optimises: a trial proposes a network; it is priced, built, trained and judged."""

from .candidate import Candidate as Candidate
from .evaluation import Objective as Objective
from .prospect import Prospect as Prospect

__all__ = ["Candidate", "Objective", "Prospect"]
