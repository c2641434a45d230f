"""How fast djmig-tui is, as one table of ratios against Django's own commands: `python -m tests.benchmarks`.

How it measures:

- Generated projects (`tests.projects.generate`) on SQLite, every migration recorded as applied. Byte code
  is warm, as in a project that was used before: Django's commands may write it, and one round of
  everything is run and thrown away first.
- Ours and Django's take turns, round after round, so that a busy moment of the machine meets both. Every
  figure is the median over the rounds, with the least and the most in brackets. Ratios are of medians.
- Before every round the machine is given some time to come to rest. How quiet it then was is told by a
  fixed piece of work that is timed.
- The interface is the real program in a pseudo-terminal of 120x36 that answers as a terminal with
  synchronized output does, so that whole frames can be told apart. What it wrote is kept with the moment
  of its arrival and read by a terminal emulator later, when nothing moves: reading must not slow down
  what is measured. A moment is that of the first whole frame on which the words in question stand.
- "Start" is the moment before the program is executed. The live tree is there when marks of migrations
  are on screen and the tree does not say "as of last time".
- A cursor is moved once the screen has come to rest, by half a page, so that what it lands on was not
  fetched ahead; SQL is drawn when the new name and a line of SQL stand beside the tree.
- `sqlmigrate` in process is `call_command` in a process of the project that is warm. Each migration is
  asked once a round, ours of a fresh engine, so no answer is one that was kept. The engine's answers
  are timed where they arrive, over the pipe and decoded.
- A rollback is measured from the request to the answer on an engine that showed the plan before, and
  Django's as the process that `manage.py migrate` is; also against `call_command` in a warm process.
  Every run begins with a copy of the same database. Peaks of memory are those of the whole process.
- Memory is what `ps` calls the resident set.

Nothing here is asserted by the clock: `test_benchmarks.py` only holds that every row comes out.
"""
