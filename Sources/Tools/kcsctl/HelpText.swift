// SPDX-License-Identifier: Apache-2.0

/// What `--help` prints, for the program and for each command.
enum HelpText {
    static let program = """
        Usage: kcsctl [--socket PATH] [--json] COMMAND …

        Of the running kcsmuxd:
          status [CHANNEL]                  what runs, what does not, and why
          start|stop|restart|reset CHANNEL  act on a channel
          reload                            take the changed configuration file over
          log-level [LEVEL]                 show or set what is logged
          top                               what the channels do, live
          metrics                           what it counts, for Prometheus
          capture dump CHANNEL|--all        keep what was recorded
          capture follow CHANNEL            record to standard output, for wireshark -k -i -

        Without a daemon:
          plugin list                       the plugins that can be found
          plugin info NAME|PATH             what a plugin does, and its options
          capture convert RAW -o FILE       make pcapng of a crash dump or a recorder's file
          decode FILE…                      captures as text

          --socket PATH  the daemon's control socket (default $KCSCTL_SOCKET, or else /run/kcsmux/control.sock)
          --json         print JSON, for programs
          --version      print version, plugin ABI and build, and exit
          --help         print this, or a command's own help

        Exit status: 0 done; 1 the daemon or a plugin said no; 64 usage; 65 a file is no capture, or damaged, or cut;
        66 a file cannot be read; 69 no daemon; 73 a file cannot be made; 74 reading or writing failed; 76 not understood by the daemon;
        77 no permission; 78 the configuration file is wrong.
        """

    /// The commands' names.
    static let commands = [
        "status", "start", "stop", "restart", "reset", "reload", "log-level", "top", "metrics", "capture", "plugin",
        "decode",
    ]

    static func command(_ words: [String]) -> String? {
        switch words.first {
        case "status": return status
        case "start":
            return
                "Usage: kcsctl start CHANNEL\n\nStarts a channel that is stopped, failed, or waiting for its restart."
        case "stop":
            return "Usage: kcsctl stop CHANNEL\n\nStops a channel. It stays so until it is started, or kcsmuxd is."
        case "restart": return "Usage: kcsctl restart CHANNEL\n\nStops a channel and starts it."
        case "reset":
            return
                "Usage: kcsctl reset CHANNEL\n\nForgets what is under way between host CPU and handlers; the channel runs on."
        case "reload": return reload
        case "log-level":
            return "Usage: kcsctl log-level [error|warning|notice|info|debug|trace]\n\n"
                + "Sets what is logged until kcsmuxd ends, or prints it. At trace, every byte is."
        case "top": return top
        case "metrics": return metrics
        case "plugin": return plugin
        case "capture": return capture
        case "decode": return decode
        default: return nil
        }
    }

    private static let status = """
        Usage: kcsctl status [CHANNEL] [--names]

        All channels as a table, or one in full. A reason stands below a channel that does not run. IN and OUT are bytes.
        TROUBLE counts, since kcsmuxd started:
          restarts          starts after a failure
          stale             bytes that were there before the channel was opened, and thrown away
          dropped           bytes that no handler was there for
          refused           accesses of handlers while the host CPU had not read ODR
          replaced          bytes thrown away before the host CPU read them
          OBF stalls        times that the host CPU left ODR unread for more than a second while more waited
          slow calls        handler calls longer than call_budget
          failed transfers  requests not answered in time, aborted, or in violation of the protocol

          --names           only the channels' names, one a line
        """

    private static let reload = """
        Usage: kcsctl reload

        Has kcsmuxd check its configuration file and take it over. A wrong file changes nothing: its mistakes are printed, and
        the exit status is 78. Channels whose settings are the same are not touched.
        """

    private static let top = """
        Usage: kcsctl top [--interval TIME] [--sort COLUMN] [--once]

        The channels, each second: bytes and messages a second, how many requests in a hundred failed, how long half of the requests
        and 99 in 100 of them took at most (in the last second, or since kcsmuxd started when none came), OBF stalls, restarts.
        Where nobody looks or types, it prints what happened in one interval as text.

        Keys: q quit; s sort by the next column, or n name, t state, b bytes, m messages, e errors, l latency, o OBF stalls, x restarts;
        r reverse; j and k, or the arrows, select a channel; f follows its messages, d dumps its capture.

          --interval TIME  as often as that (default 1s)
          --sort COLUMN    by name, state, bytes, messages, errors, latency, stalls or restarts
          --once           once, as text
        """

    private static let metrics = """
        Usage: kcsctl metrics [--format openmetrics|prometheus] [-o FILE|-] [--http]

        Prints what kcsmuxd and its handlers count, what requests took, and the state of each channel, as OpenMetrics text.

          --format prometheus  the text format of Prometheus before OpenMetrics, which node_exporter's folder of text files takes
          -o FILE              write FILE, which is whole at any moment
          --http               answer one HTTP request on standard input, as a unit does that a socket starts
        """

    private static let plugin = """
        Usage: kcsctl plugin list
               kcsctl plugin info NAME|PATH [--device TYPE]

        Plugins are searched in each --plugin-path, in $KCSMUX_PLUGIN_PATH, beside kcsctl, and in /usr/lib/kcsmux/plugins.
        A plugin that cannot be loaded is named with the rule that it breaks and what was found; the exit status is 1.

          --plugin-path DIR   search here first; may be given several times
          --trust any         also load plugins that others than their owner may write (default: strict)
          --device TYPE       also check that it works on raw-kcs, serio-raw, ipmi-kcs or sim
        """

    private static let capture = """
        Usage: kcsctl capture dump CHANNEL|--all [-o FILE|-]
               kcsctl capture follow CHANNEL [--from-oldest] | wireshark -k -i -
               kcsctl capture convert RAW -o FILE|-

        dump     writes what the flight recorder holds as pcapng: kcsmuxd into its capture folder, and the path is printed; or,
                 with -o, kcsctl to FILE, or to standard output
        follow   writes what is recorded from now on (--from-oldest: from the oldest record that is left) to standard
                 output; what a slow reader misses is counted in the capture
        convert  makes pcapng of the dump that a dying kcsmuxd left, or of the file of a recorder with persist: true
        """

    private static let decode = """
        Usage: kcsctl decode FILE… [--channel NAME] [--since TIME] [--until TIME] [--errors] [--messages]
               kcsctl decode FILE… --link register|ipmi|mctp -o FILE|-

        Prints captures (pcapng, a crash dump, a persistent recorder's file; - for standard input) as a timeline: time, time
        since the line before, channel, direction, register and value, and below it what it means. Each record is printed as
        it comes, as in kcsctl capture follow CHANNEL | kcsctl decode -. Several files are shown in the order of time, and
        what two of them hold is shown once. Behind a damaged block it goes on; the exit status is 65 if a file is damaged
        or cut, and standard error says where. With --json, each line is an object with a record's fields, and the last
        one, "end", counts them.

          --channel NAME  only this channel
          --since TIME    only from this time on: 2026-11-22T17:52:46.5 (UTC) or seconds since 1970
          --until TIME    only up to this time
          --errors        only what went wrong
          --messages      only messages: a request, its completion code, its latency and its answer in one line
          --link TYPE     write no text, but the records of one link type as pcapng, which tcpdump takes, to -o FILE
        """
}
