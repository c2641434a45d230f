"""What runs first in the project's process: takes the channel, brings the engine in, starts it.

The interface sends the text of this module down the pipe and has it executed (stage 1), because
nothing of ours is installed on this side. So it must not import anything of ours before the
finder below is in place.
"""

import json
import marshal
import os
import signal
import sys
import traceback
import zlib
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import MAGIC_NUMBER
from types import CodeType
from typing import Any, Dict, List, Optional, Tuple

#: The engine's package in this process: private, so that an installed djmig-tui is another one.
PACKAGE = "_djmig_tui_engine"

#: Dotted name below the package ("" is the package itself) → (is a package, source).
Sources = Dict[str, Tuple[bool, str]]


class Finder:
    """Imports the engine from the sources that came over the pipe.

    Where the interface has the modules compiled for this very Python, they are not compiled again.
    """

    def __init__(self, sources: Sources, compiled: Dict[str, bytes]) -> None:
        self._sources = {_full(name): found for name, found in sources.items()}
        self._compiled = {_full(name): found for name, found in compiled.items()}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        """Return the spec of a module of ours, None for every other name."""
        if name not in self._sources:
            return None
        loader: Any = self
        spec = ModuleSpec(name, loader, origin=self.get_filename(name), is_package=self.is_package(name))
        spec.has_location = True
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to the import system."""

    def exec_module(self, module: Any) -> None:
        """Run the module, compiled first where it has to be."""
        name = module.__spec__.name
        filename = self.get_filename(name)
        if name in self._compiled:
            code = _renamed(marshal.loads(self._compiled[name]), filename)  # noqa: S302 -- our interface's own
        else:
            code = compile(self.get_source(name), filename, "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 -- this is what a loader does

    def is_package(self, name: str) -> bool:
        """Return whether the module is a package."""
        return self._sources[name][0]

    def get_source(self, name: str) -> str:
        """Return the source: tracebacks show its lines through this."""
        return self._sources[name][1]

    def get_filename(self, name: str) -> str:
        """Return a name for tracebacks that cannot be taken for a file of the project."""
        path = name.replace(PACKAGE, "<djmig_tui>", 1).replace(".", "/")
        return path + ("/__init__.py" if self.is_package(name) else ".py")


def _full(name: str) -> str:
    return (PACKAGE + "." + name).rstrip(".")


def _renamed(code: CodeType, filename: str) -> CodeType:
    """Return `code` as it would be if it had been compiled from `filename`."""
    inner = (_renamed(one, filename) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.replace(co_filename=filename, co_consts=tuple(inner))


def read_compiled(fd: int, magic: str, sizes: List[Tuple[str, int]]) -> Dict[str, bytes]:
    """Read the compiled modules; return none of them if they are for another Python than this one."""
    compiled = {name: read_exactly(fd, size) for name, size in sizes}
    return compiled if magic == MAGIC_NUMBER.hex() else {}


def read_exactly(fd: int, size: int) -> bytes:
    """Read `size` bytes and not one more: what follows belongs to the server."""
    chunks = []
    while size:
        chunk = os.read(fd, min(size, 65536))
        if not chunk:
            os._exit(1)  # the interface went away; the project's threads must not keep us here
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def take_channel(fd: int) -> Tuple[int, int]:
    """Return the pipe, which comes in on `fd` and goes out on 1, as descriptors that only we know of.

    The project's own lead elsewhere: prints, ``os.write(1, …)`` and children's output go to
    stderr, and ``input()`` sees the end of a file. Descriptors made by dup are not inherited by
    programs that the project starts.
    """
    channel = os.dup(fd), os.dup(1)
    if fd != 0:
        os.close(fd)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    if hasattr(sys.stdout, "reconfigure"):
        # What is in the buffer goes out here; later, the last words of a process that dies are needed.
        sys.stdout.flush()
        sys.stdout.reconfigure(line_buffering=True)
    os.dup2(2, 1)

    def leave_channel() -> None:
        # A forked child has our descriptors: it must neither write to the pipe nor keep it open.
        for ours in channel:
            os.dup2(nothing, ours)

    os.register_at_fork(after_in_child=leave_channel)
    return channel


def set_up_django(settings: str, folder: str, asked: bool) -> None:
    """Do what manage.py would have done, for projects whose `shell` is not Django's."""
    sys.path.insert(0, os.path.abspath(folder))
    sys.argv = ["manage.py", "shell"]
    if asked:
        os.environ["DJANGO_SETTINGS_MODULE"] = settings
    else:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings)
    import_module("django").setup()


def start(fd: int, header_size: int) -> None:
    """Read what follows stage 1 on the pipe, then serve until the interface goes away."""
    try:
        bring_in_engine(fd, header_size)
    except BaseException:  # noqa: BLE001 -- whatever it is, threads of the project must not keep us here
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)


def bring_in_engine(fd: int, header_size: int) -> None:
    """Start the engine on the channel; returns only if it cannot be started."""
    header = json.loads(read_exactly(fd, header_size).decode("ascii"))
    sources = json.loads(zlib.decompress(read_exactly(fd, header["size"])).decode("utf-8"))
    compiled = read_compiled(fd, header["magic"], header["compiled"])
    sys.dont_write_bytecode = True  # the environment says so too, where it gets through
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    input_fd, output_fd = take_channel(fd)
    if header["django"] is not None:
        set_up_django(**header["django"])
    finder: Any = Finder({name: (found[0], found[1]) for name, found in sources.items()}, compiled)
    sys.meta_path.insert(0, finder)
    os.write(output_fd, b"\n" + header["ready"][::-1].encode("ascii") + b"\n")
    import_module(PACKAGE + ".server").main(input_fd, output_fd)
