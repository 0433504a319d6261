# SPDX-License-Identifier: Apache-2.0
#
# For gdb, attached to a kcsmuxd that waits: prints, on descriptor 3, where its main thread is now, says "ready", and
# prints where it is each time it writes to a node, or where $KCSMUX_BREAK names a function, each time that is called:
#   stop
#   frame own|inline|other NAME FILE:LINE      the innermost first
#   end
# own: of kcsmuxd or a plugin; inline: such a function that the compiler put into its caller.
import os

import gdb

# Its own output is full of what it does not like about Swift's debug information.
output = os.fdopen(3, "w")


def show():
    print("stop", file=output)
    frame = gdb.newest_frame()
    while frame is not None:
        library = os.path.basename(gdb.solib_name(frame.pc()) or "")
        kind = "own" if library == "" or library.startswith("libkcs-") else "other"
        if kind == "own" and frame.type() == gdb.INLINE_FRAME:
            kind = "inline"
        place = frame.find_sal()
        name = os.path.basename(place.symtab.filename) if place.symtab else library or "?"
        print("frame", kind, frame.name() or "?", "%s:%d" % (name, place.line), file=output)
        frame = frame.older()
    print("end", file=output, flush=True)


function = os.environ.get("KCSMUX_BREAK")
gdb.execute("break *'%s'" % function if function else "catch syscall pwrite64", to_string=True)
# What calls for the watchdog's attention is none of this.
gdb.execute("handle all nostop noprint pass", to_string=True)
show()
print("ready", file=output, flush=True)
while True:
    gdb.execute("continue", to_string=True)
    show()
    if not function:
        # A system call stops where it begins and where it ends.
        gdb.execute("continue", to_string=True)
