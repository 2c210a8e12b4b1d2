from __future__ import annotations

import os

# The networks of the tests are tiny: a second thread makes them no faster, and on a busy machine several times slower. Before
# torch is imported, and inherited by the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
