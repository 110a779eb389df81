"""What holds for every process of the tests, before anything else is imported."""

import os
import sys

# Test modules and the package are compiled once, not by every worker and every kernel.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# jsonschema would build a grammar of IRIs for seconds, in each worker; no schema here has any.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
