"""Tabular benchmarks: objectives that look a network up instead of training it.

A whole search takes seconds, so that strategies can be compared over many seeds. Wrappers add
noise, costs and failures; `simulate` runs many workers in virtual time on one process.
"""

from optunas.benchmarks.clock import simulate as simulate
from optunas.benchmarks.columns import ColumnSpace as ColumnSpace
from optunas.benchmarks.comparison import Searches as Searches
from optunas.benchmarks.nasbench101 import nasbench101 as nasbench101
from optunas.benchmarks.nasbench201 import nasbench201 as nasbench201
from optunas.benchmarks.nasbench201 import natssize as natssize
from optunas.benchmarks.plot import plot_regret as plot_regret
from optunas.benchmarks.result import Benchmark as Benchmark
from optunas.benchmarks.result import Report as Report
from optunas.benchmarks.result import Result as Result
from optunas.benchmarks.simulation import Done as Done
from optunas.benchmarks.simulation import Simulation as Simulation
from optunas.benchmarks.table import Table as Table
from optunas.benchmarks.tabular import TabularBenchmark as TabularBenchmark
from optunas.benchmarks.wrappers import Costly as Costly
from optunas.benchmarks.wrappers import Failing as Failing
from optunas.benchmarks.wrappers import Noisy as Noisy

__all__ = [
    "Benchmark",
    "ColumnSpace",
    "Costly",
    "Done",
    "Failing",
    "Noisy",
    "Report",
    "Result",
    "Searches",
    "Simulation",
    "Table",
    "TabularBenchmark",
    "nasbench101",
    "nasbench201",
    "natssize",
    "plot_regret",
    "simulate",
]
