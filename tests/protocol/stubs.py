"""An engine whose handlers do what a test needs, shipped through the real boot, server and channel."""

from __future__ import annotations

import sys
from pathlib import Path

from tui.engine.bundle import Sources, read_sources
from tui.engine.discover import Launch

#: The modules under test; everything else of the engine is replaced.
KEPT = ("", "answers", "boot", "calls", "channel", "errors", "interrupts", "protocol", "server", "wire")

#: A manage.py that has no Django behind it: it executes what `shell -c` is given, nothing more.
MANAGE = """
import sys
{before}
assert sys.argv[1] == "shell", sys.argv
exec(sys.argv[sys.argv.index("-c") + 1])
"""

PROJECT = '''
"""A session, and an open_project that tells about it."""
import os, sys
from . import protocol


class Session:
    finished = False

    def __init__(self):
        {session}


def open_project(session, request, call):
    {open_project}
    return protocol.Project("stub", os.getcwd(), "", False, "", sys.version.split()[0], sys.executable, ())
'''

SQL = '''
"""render_sql does what the request's app says, with the request's name."""
import os, subprocess, sys, threading, time
from . import errors, protocol

caught = []


def render_sql(session, request, call):
    said = BEHAVIOURS[request.app](session, request, call)
    return protocol.Sql(request.app, request.name, request.backwards, said)


def begun(call):
    call._notify(protocol.CHANGED, {"what": "begun"})


def echo(session, request, call):
    return request.name


def work(session, request, call):
    begun(call)
    while True:
        sum(range(1000))


def sleep(session, request, call):
    begun(call)
    time.sleep(600)


def stubborn(session, request, call):
    begun(call)
    while True:
        try:
            while True:
                sum(range(1000))
        except BaseException as error:
            return type(error).__name__


def refuse(session, request, call):
    raise errors.Refusal("We will not. Do something else.")


def stale(session, request, call):
    raise errors.StaleError("It is not as it was. Look again.")


def fail(session, request, call):
    raise errors.FailedError("relation does not exist", detail="folded", kind="ProgrammingError")


def bug(session, request, call):
    try:
        {}["first"]
    except KeyError:
        raise ValueError("second")


def exit(session, request, call):
    sys.exit("bye")


def interrupt(session, request, call):
    raise KeyboardInterrupt


def shout(session, request, call):
    print("printed")
    sys.stdout.flush()
    os.write(1, b"written\\n")
    subprocess.check_call(["echo", "from a child"])
    assert subprocess.check_output(["cat"]) == b""
    if os.fork() == 0:
        os.write(1, b"from a fork\\n")
        os._exit(0)
    os.wait()
    try:
        return "input: " + input("question? ")
    except EOFError:
        return "no input"


def flood(session, request, call):
    for _ in range(int(request.name)):
        sys.stderr.write("x" * 1023 + "\\n")
    sys.stderr.flush()
    return "done"


def linger(session, request, call):
    threading.Thread(target=time.sleep, args=(600,)).start()
    if os.fork() == 0:  # inherits every descriptor and stays
        time.sleep(float(request.name))
        os._exit(0)
    return "left a thread and a child"


def finish(session, request, call):
    session.finished = True
    return "the last"


def huge(session, request, call):
    return "x" * int(request.name)


BEHAVIOURS = {name: value for name, value in globals().items() if callable(value)}
'''

HISTORY = '''
"""load_history counts as far as the request's database says."""
from . import protocol


def load_history(session, request, call):
    total = int(request.database)
    for done in range(total + 1):
        call.progress(done, total, "counting")
    return protocol.History(request.database, ())
'''

RUN = '''
"""run_plan runs until it is asked to stop, or as long as its fingerprint says."""
import sys, threading, time
from . import protocol


def run_plan(session, request, call):
    stop = threading.Event()
    call.on_stop(stop.set)
    call.progress(0, 1, "begun")
    stop.wait(float(request.fingerprint))
    if call.stopping:
        print("stopping", flush=True)
        time.sleep(float(request.app or 0))
        open("run-ended", "w").close()
    return protocol.RunFinished((), stopped=call.stopping)
'''


def sources(*, session: str = "pass", open_project: str = "pass", **modules: str) -> Sources:
    """Return the sources of a stub engine; `modules` replaces or adds whole modules."""
    found = {name: source for name, source in read_sources().items() if name in KEPT}
    stubs = {
        "project": PROJECT.format(session=session, open_project=open_project),
        "sql": SQL,
        "history": HISTORY,
        "run": RUN,
    }
    found.update({name: (False, text) for name, text in {**stubs, **modules}.items()})
    return found


def launch(folder: Path, *command: str, before: str = "", python: str = sys.executable) -> Launch:
    """Write a manage.py into `folder`, and return how to start it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manage.py").write_text(MANAGE.format(before=before))
    return Launch(
        command=command or (python, "manage.py"),
        cwd=folder,
        root=folder,
        how="test",
        settings=None,
        python=None if command else python,
        explicit=bool(command),
    )
