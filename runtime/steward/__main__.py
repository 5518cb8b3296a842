"""`python -m runtime.steward`, as the supervisor starts it."""

import sys

from runtime.steward.main import main

sys.exit(main())
