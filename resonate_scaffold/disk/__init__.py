"""The only package that reads or writes a user's project.

A new service is made whole in a hidden sibling of its target and then renamed once, so that at every moment
there is either all of it at its path or nothing:

    .NAME.1a2b3c4d/             private (0700), removed at the end
        .resonate-scaffold.lock held while the command lives; the system lets go of it when the command dies
        tree/                   becomes NAME

Only a kill leaves the sibling behind. The next ``new`` of that name removes it, if it has the shape above
and nobody holds its lock.

A plan for a service that exists is carried out in two halves, around the moment when its journal appears:

    .resonate-scaffold.apply/   at the root; private (0700), removed at the end
        .resonate-scaffold.lock as above: one command at a time changes a service
        new-3                   what change 3 of the plan writes
        old-3                   what it replaces or deletes
        journal.json            the plan is decided: change by change, new-3 takes its place
        rollback.json           what the journal is renamed to when an error or Ctrl-C takes everything back

Before the journal nothing has changed; once it is gone everything has, or nothing. After a kill, the next command that
changes the service goes on in the direction that it finds: forward with journal.json, back with rollback.json. One that
only reads leaves it alone. A journal counts if this user made it: the directory is private and the user's, git does not
track it, the journal has the user's seal (see `trust`), and names only paths that a plan may have. Any other is
somebody else's: nothing of it is carried out, and commands that change the service refuse. Each change is judged by
what is in the staging directory still, and by what is at its path now, compared with the SHA-256 of what was and what
will be there; so any step can be repeated. A file that is neither has been changed by somebody since. It is left alone,
the rest is done, the version that cannot get there is put into ``.resonate-scaffold.kept/`` (same path below it), and
the command ends with an error that says so. Then the staging directory is gone, so the next command works as usual.
"""

from resonate_scaffold.disk.changes import apply as apply, is_unsettled as is_unsettled
from resonate_scaffold.disk.create import check_target as check_target, create_tree as create_tree
from resonate_scaffold.disk.discovery import discover as discover
from resonate_scaffold.disk.files import package_of as package_of
from resonate_scaffold.disk.plain import read_plain as read_plain, write_output as write_output
