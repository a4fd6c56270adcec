"""`python -m actorstream`: the same as the command `actorstream`."""

import sys

from actorstream.ops.cli import main

if __name__ == "__main__":
    sys.exit(main())
