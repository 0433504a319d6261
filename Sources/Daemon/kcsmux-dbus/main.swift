// SPDX-License-Identifier: Apache-2.0
//
// What kcsmuxd's actions want of OpenBMC's services, in a process of its own: a bus, a service or an init that hangs costs the
// action its time, and nothing else. kcsmuxd starts it as it starts any program, and kills it when its time is up.
import CLinux
import DBus
import LinuxIO

private let usage = """
    usage: kcsmux-dbus dump KIND
           kcsmux-dbus reboot bmc
           kcsmux-dbus unit NAME
           kcsmux-dbus event MESSAGE SEVERITY [KEY=VALUE…]

    """

private func say(_ text: String) { _ = Array(text.utf8).withUnsafeBytes { Syscalls.writeAll(2, $0) } }

private func run(_ words: [String]) -> Int32 {
    do throws(BusError) {
        let bus = try Bus()
        switch (words.first, words.count) {
        case ("dump", 2): Tasks.dump(bus, words[1])
        case ("reboot", 2) where words[1] == "bmc": Tasks.reboot(bus)
        case ("unit", 2): Tasks.start(bus, words[1])
        case ("event", 3...): Tasks.event(bus, words[1], words[2], Array(words[3...]))
        default:
            say(usage)
            return 64
        }
        try bus.wait()
        return 0
    } catch {
        say("\(error.text)\n")
        return 1
    }
}

exit(run(Array(CurrentProcess.arguments.dropFirst())))
