"""What a study optimises: a trial proposes a network; it is priced, built, trained and judged."""

from optunas.objective.candidate import Candidate as Candidate
from optunas.objective.objective import Objective as Objective
from optunas.objective.prospect import Prospect as Prospect

__all__ = ["Candidate", "Objective", "Prospect"]
