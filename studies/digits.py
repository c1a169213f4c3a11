"""scikit-learn's digits: real scanned digits of 8x8 pixels, minutes on two CPU cores.

optunas run studies/digits.py
"""

import optunas

objective = optunas.Objective(
    optunas.spaces.ConvNet(stages=(1, 2, 3), depths=(1, 2), widths=(8, 16, 24), kernels=(3, 5)),
    optunas.data.digits(),
    optunas.Recipe(epochs=10, batch_size=64),
    limits=optunas.Limits(params=5_000),
)
trials = 40
