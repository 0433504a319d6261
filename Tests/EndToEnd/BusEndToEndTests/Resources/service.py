#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The services of OpenBMC that kcsmux meets on the bus, each method with the signature of the real one, and faults on demand.

  service.py ADDRESS ipmi [FIRMWARE]      xyz.openbmc_project.Ipmi.Host; what `execute` does follows from the request
  service.py ADDRESS dump STATUS          Dump.Manager, whose dumps end with that status: Completed, Failed, …, or never
  service.py ADDRESS bmc                  State.BMC and Logging, which say what they were asked
  service.py ADDRESS systemd              systemd's Manager, which does so, too
"""
import asyncio
import os
import sys

from dbus_next import Message, MessageType, Variant
from dbus_next.aio import MessageBus

PREFIX = "xyz.openbmc_project.Ipmi.Channel."
PROGRESS = "xyz.openbmc_project.Common.Progress"
DUMP = "/xyz/openbmc_project/dump/bmc/entry/1"


def say(text):
    print(text, file=sys.stderr, flush=True)


async def daemon(bus, member, signature="", *body):
    return (await bus.call(Message("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", member,
                                   signature=signature, body=list(body)))).body[0]


async def channel_of(bus, sender):
    """Who calls, as ipmid finds it out: the owner of a name among Ipmi.Channel's."""
    for name in await daemon(bus, "ListNames"):
        if name.startswith(PREFIX) and await daemon(bus, "GetNameOwner", "s", name) == sender:
            return name[len(PREFIX):]
    return "INTRABMC"


async def execute(bus, call, firmware):
    net_fn, lun, command, data, options = call.body
    assert options == {}

    def answer(code, reply, command=command):
        bus.send(Message.new_method_return(call, "(yyyyay)", [[net_fn | 1, lun, command, code, bytes(reply)]]))

    if (net_fn, command) == (0x06, 0x01):
        answer(0, [0x20, 0x01, firmware, 0x00, 0x02, 0x8D, 0, 0, 0, 0, 0])
    elif net_fn != 0x30:
        answer(0xC1, b"") if net_fn != 0x06 else answer(0, [0])
    elif command == 1:  # echo
        answer(0, data)
    elif command == 2:  # never
        say("never")
    elif command == 3:  # late
        await asyncio.sleep(data[0] / 10)
        answer(0, [3])
        say("late")
    elif command == 4:
        bus.send(Message.new_error(call, "xyz.openbmc_project.Common.Error.InternalFailure", "as asked"))
    elif command == 5:  # too long
        answer(0, bytes(2000))
    elif command == 6:
        os._exit(0)
    elif command == 7:  # another's answer
        answer(0, b"", command=8)
    elif command == 8:  # no answer of that method
        bus.send(Message.new_method_return(call, "yyyyay", [net_fn | 1, lun, command, 0, b""]))
    elif command == 9:
        answer(0, (await channel_of(bus, call.sender)).encode())
    elif command == 10:  # the longest
        answer(0, bytes(997))
    else:
        answer(0xC1, b"")


async def dump(bus, call, status):
    if call.member == "CreateDump":
        say("dump")
        if status in ("Unavailable", "QuotaExceeded", "Disabled"):
            where = "Common.Error." if status == "Unavailable" else "Dump.Create.Error."
            return bus.send(Message.new_error(call, "xyz.openbmc_project." + where + status, "as asked"))
        if status != "hung":
            bus.send(Message.new_method_return(call, "o", [DUMP]))
        if status not in ("hung", "never"):
            await asyncio.sleep(0.2)
            dump.status = status
            bus.send(Message.new_signal(DUMP, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                                        [PROGRESS, {"Status": Variant("s", word(status))}, []]))
    elif call.member == "Get":
        bus.send(Message.new_method_return(call, "v", [Variant("s", word(dump.status))]))


dump.status = "InProgress"


def word(status):
    return PROGRESS + ".OperationStatus." + status


async def bmc(bus, call, _):
    body = [value.value if isinstance(value, Variant) else value for value in call.body]
    say(f"{call.destination} {call.path} {call.interface}.{call.member} {call.signature} {body}")
    path = {"Create": "/xyz/openbmc_project/logging/entry/1", "StartUnit": "/org/freedesktop/systemd1/job/1"}
    if call.member in path:
        bus.send(Message.new_method_return(call, "o", [path[call.member]]))
    else:
        bus.send(Message.new_method_return(call))


NAMES = {
    "ipmi": ["xyz.openbmc_project.Ipmi.Host"],
    "dump": ["xyz.openbmc_project.Dump.Manager"],
    "bmc": ["xyz.openbmc_project.State.BMC", "xyz.openbmc_project.Logging"],
    "systemd": ["org.freedesktop.systemd1"],
}


async def main():
    address, role = sys.argv[1:3]
    argument = sys.argv[3] if len(sys.argv) > 3 else "1"
    bus = await MessageBus(bus_address=address).connect()
    serve = {"ipmi": execute, "dump": dump, "bmc": bmc, "systemd": bmc}[role]
    members = {"execute", "CreateDump", "Get", "Set", "Create", "StartUnit"}

    def handle(message):
        if message.message_type != MessageType.METHOD_CALL or message.member not in members:
            return None
        asyncio.ensure_future(serve(bus, message, int(argument) if role == "ipmi" else argument))
        return True

    bus.add_message_handler(handle)
    for name in NAMES[role]:
        await bus.request_name(name)
    say("ready")
    await bus.wait_for_disconnect()


asyncio.run(main())
