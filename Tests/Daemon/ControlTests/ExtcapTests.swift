// SPDX-License-Identifier: Apache-2.0
//
// config/wireshark/kcsmux-extcap, as Wireshark runs it: on a daemon of this machine, and on hosts behind an ssh of the test's
// own, which gives its command to a shell as sshd does.
import CLinux
import LinuxIO
import SimulatedDevice
import Testing

@Suite(.enabled(if: Program.find("python3") != nil, "python3 is not installed"))
struct ExtcapTests {
    private let folder = TemporaryFolder()
    private let extcap: String
    private static let root = Path.parent(of: Path.parent(of: Path.parent(of: Path.parent(of: #filePath))))
    private static let hasTshark = Program.find("tshark") != nil
    /// A host's name that never answers.
    private static let silent = "silent"

    init() throws {
        for name in ["extcap", "bin", "home"] { try Syscalls.makeFolders("\(folder.path)/\(name)") }
        extcap = folder.path + "/extcap/kcsmux-extcap"
        // A copy, since programs of a user who is not root have to find it.
        _ = try Program.run(["cp", Self.root + "/config/wireshark/kcsmux-extcap", extcap])
        try program(
            "ssh",
            """
            printf '%s\\n' "$@" >>"$HOME/ssh"
            while [ "$1" != -- ]; do shift; done
            case $2 in
            \(Self.silent)) exec sleep 1000 ;;
            refused) echo 'Permission denied (publickey).' >&2; exit 255 ;;
            esac
            shift 2
            exec sh -c "exec $*"
            """)
    }

    /// A program in the test's own $PATH.
    private func program(_ name: String, _ script: String) throws {
        let path = folder.write("bin/" + name, "#!/bin/sh\n" + script + "\n")
        try #require(chmod(path, 0o755) == 0)
    }

    /// The beginning of a command with the test's own $PATH and home; which of two values is taken depends on the program, so
    /// that env(1) has to replace them.
    private func environment(_ more: [String]) -> [String] {
        let path = CurrentProcess.environment("PATH") ?? "/usr/bin:/bin"
        return [
            "env", "PATH=\(folder.path)/bin:\(Program.folder):\(path)", "HOME=\(folder.path)/home",
            "XDG_CONFIG_HOME=\(folder.path)/home", "TMPDIR=\(folder.path)/home",
        ] + more
    }

    private func run(_ words: String..., environment more: [String] = []) throws -> Program.Result {
        try Program.run(environment(more) + [extcap] + words)
    }

    /// The interfaces of some hosts, the one for any host left out.
    private func interfaces(_ hosts: String, _ more: [String] = []) throws -> (lines: [String], errors: String) {
        let result = try run(
            "--extcap-interfaces", "--extcap-version=4.0", environment: ["KCSMUX_EXTCAP_HOSTS=\(hosts)"] + more)
        #expect(result.status == 0)
        let lines = result.text.split(separator: "\n").map(String.init)
        #expect(lines.first == "extcap {version=1.0}")
        #expect(lines.dropFirst().first?.hasPrefix("interface {value=kcsmux}{display=") == true)
        return (Array(lines.dropFirst(2)), result.errors)
    }

    /// Exchanges bytes, which the recorder keeps.
    private func echo(_ daemon: Daemon, _ channel: String, _ values: [UInt8]) throws {
        let host = try SimulatedHost(directory: "\(daemon.folder.path)/\(channel)")
        for value in values {
            let end = Clock.monotonic + UInt64(deadline) * 1_000_000
            try #require(host.send(value, command: false, deadline: end))
            try #require(host.receive(deadline: end) == value)
        }
    }

    // MARK: Listing

    @Test func theListHasEachChannelOfEachHostAndAllOfThem() throws {
        let daemon = try Daemon(echoChannel("alpha") + echoChannel("beta"))
        let (lines, errors) = try interfaces("local root@bmc", ["KCSCTL_SOCKET=\(daemon.socket)"])
        #expect(
            lines.sorted() == [
                "interface {value=kcsmux:local:alpha}{display=KCS: local, alpha}",
                "interface {value=kcsmux:local:beta}{display=KCS: local, beta}",
                "interface {value=kcsmux:local}{display=KCS: local, all channels}",
                "interface {value=kcsmux:root@bmc:alpha}{display=KCS: root@bmc, alpha}",
                "interface {value=kcsmux:root@bmc:beta}{display=KCS: root@bmc, beta}",
                "interface {value=kcsmux:root@bmc}{display=KCS: root@bmc, all channels}",
            ])
        #expect(errors == "")
    }

    @Test func eachInterfaceHasOneLinkTypeAndOptions() throws {
        for name in ["kcsmux", "kcsmux:bmc", "kcsmux:bmc:ipmi"] {
            let types = try run("--extcap-dlts", "--extcap-interface", name)
            #expect(types.status == 0)
            #expect(types.text.hasPrefix("dlt {number=147}{name=USER0}{display="))
            #expect(types.text.split(separator: "\n").count == 1)
            let options = try run("--extcap-config", "--extcap-interface", name)
            #expect(options.status == 0)
            #expect(options.text.contains("{call=--from-oldest}"))
            #expect(options.text.contains("{call=--remote-host}") == (name == "kcsmux"))
        }
        try program("kcsctl", "echo alpha; echo '{value=x}'")
        let words = ["--extcap-config", "--extcap-interface", "kcsmux", "--extcap-reload-option", "channel"]
        let channels = try Program.run(environment([]) + [extcap] + words + ["--remote-host", "bmc"])
        #expect(
            channels.text == """
                value {arg=1}{value=*}{display=all channels}{default=true}
                value {arg=1}{value=alpha}{display=alpha}{default=false}

                """)
    }

    @Test func aHostThatDoesNotAnswerHoldsNobodyUp() throws {
        try program("kcsctl", "echo alpha")
        let (lines, errors) = try interfaces("\(Self.silent) refused bmc", ["KCSMUX_EXTCAP_SECONDS=5"])
        #expect(
            lines.sorted() == [
                "interface {value=kcsmux:bmc:alpha}{display=KCS: bmc, alpha}",
                "interface {value=kcsmux:bmc}{display=KCS: bmc, all channels}",
                "interface {value=kcsmux:refused}{display=KCS: refused, all channels (no answer)}",
                "interface {value=kcsmux:silent}{display=KCS: silent, all channels (no answer)}",
            ])
        #expect(errors.contains("refused: Permission denied (publickey).\n"))
        #expect(errors.contains("silent: no answer\n"))
        #expect(folder.text("home/ssh").contains("BatchMode=yes\n-o\nConnectTimeout=3\n"))
    }

    @Test func namesThatADaemonCannotHaveAreNotListed() throws {
        try program(
            "kcsctl",
            #"printf 'good\n;touch x\n$(touch x)\n-o\nA\na b\nx}{value=y\n\033[2J\n%s\n\n../x\ngood\n' "$(seq -s x 99)""#
        )
        #expect(
            try interfaces("local").lines == [
                "interface {value=kcsmux:local}{display=KCS: local, all channels}",
                "interface {value=kcsmux:local:good}{display=KCS: local, good}",
            ])
        // What has no end, neither.
        try program("kcsctl", "exec yes alpha")
        #expect(try interfaces("local", ["KCSMUX_EXTCAP_SECONDS=1"]).lines.count == 1)
    }

    @Test func hostsThatSshWouldTakeForOptionsAreNotAsked() throws {
        let (lines, errors) = try interfaces("-oProxyCommand=x root@-x a;touch $(touch) a}{value=b `x` a|b")
        #expect(lines == [])
        #expect(errors.split(separator: "\n").count == 7)
        #expect(folder.text("home/ssh") == "")
        for name in [
            "kcsmux:-oProxyCommand=x:a", "kcsmux:%2doProxyCommand%3dx:a", "kcsmux:bmc:-a", "kcsmux:bmc:;x", "x",
        ] {
            let result = try run("--capture", "--fifo", "/dev/null", "--extcap-interface", name)
            #expect(result.status == 1, "\(name)")
            #expect(result.errors.hasPrefix("kcsmux-extcap: "), "\(result.errors)")
        }
        #expect(folder.text("home/ssh") == "")
    }

    @Test func theShellOfAHostSeesOneWordForEachWord() throws {
        try program("kcsctl", #"printf '<%s>' "$@" >>"$HOME/kcsctl"; echo alpha"#)
        try Syscalls.makeFolders(folder.path + "/home/kcsmux")
        folder.write(
            "home/kcsmux/extcap.hosts",
            """
            # a comment
            bmc --socket "/x'; touch pwned; '$(touch pwned)" --remote-command "env 'A=b c;d' kcsctl"
            other --colour red
            """)
        let result = try run("--extcap-interfaces")
        #expect(result.text.contains("{value=kcsmux:bmc:alpha}"))
        #expect(result.errors.contains("extcap.hosts:3: "))
        #expect(folder.text("home/kcsctl") == "<--socket></x'; touch pwned; '$(touch pwned)><status><--names>")
    }

    // MARK: Capturing

    /// Starts a capture into a FIFO, whose reader is the test's.
    private func capture(
        _ interface: String, _ words: [String] = [], environment more: [String] = []
    ) throws -> (extcap: Program, fifo: String) {
        let fifo = folder.path + "/fifo"
        try #require(mkfifo(fifo, 0o666) == 0)
        let errors = try Syscalls.open(folder.path + "/errors", O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        let program = try Program.start(
            environment(more) + [extcap, "--capture", "--extcap-interface", interface, "--fifo", fifo] + words,
            descriptors: [(2, errors.raw)])
        return (program, fifo)
    }

    /// Rows of tshark, with kcs.lua, of a user for whom it runs scripts.
    private func tshark(_ words: [String], _ fields: [String], environment more: [String] = []) throws -> [String] {
        _ = try Program.run(["cp", Self.root + "/config/wireshark/kcs.lua", folder.path])
        _ = try Program.run(["chown", "65534", folder.path + "/home"])
        let lead = geteuid() == 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
        let result = try Program.run(
            lead + environment(more) + ["tshark", "-X", "lua_script:\(folder.path)/kcs.lua"]
                + ["-T", "fields", "-E", "separator=|"] + words + fields.flatMap { ["-e", $0] })
        #expect(result.status == 0, "\(result.errors)")
        return result.text.split(separator: "\n").map(String.init)
    }

    private let columns = [
        "frame.interface_name", "_ws.col.Source", "_ws.col.Destination", "frame.p2p_dir", "_ws.col.Info",
    ]

    @Test(.enabled(if: hasTshark, "tshark is not installed"))
    func aChannelOfADaemonIsDecodedAndEndsWithItsReader() throws {
        let daemon = try Daemon(echoChannel("alpha"))
        try echo(daemon, "alpha", [0x41, 0x42])
        let (extcap, fifo) = try capture(
            "kcsmux:bmc:alpha", ["--from-oldest"], environment: ["KCSCTL_SOCKET=\(daemon.socket)"])
        // Two events of the start, four accesses.
        let rows = try tshark(["-r", fifo, "-c", "6", "-Y", "kcsreg"], columns)
        #expect(
            rows == [
                "alpha/registers|HOST|BMC|1|IDR 41 data", "alpha/registers|BMC|HOST|0|ODR 41",
                "alpha/registers|HOST|BMC|1|IDR 42 data", "alpha/registers|BMC|HOST|0|ODR 42",
            ])
        // tshark is gone, and nothing more is recorded.
        #expect(extcap.wait() == 0)
        #expect(folder.text("errors") == "")
    }

    @Test(.enabled(if: hasTshark, "tshark is not installed"))
    func allChannelsAreOneCapture() throws {
        let daemon = try Daemon(echoChannel("alpha") + echoChannel("beta"))
        try echo(daemon, "alpha", [1])
        try echo(daemon, "beta", [2])
        let (extcap, fifo) = try capture("kcsmux:local", ["--from-oldest", "--socket", daemon.socket])
        let rows = try tshark(["-r", fifo, "-c", "8", "-Y", "kcsreg"], columns)
        #expect(
            rows.sorted() == [
                "alpha/registers|BMC|HOST|0|ODR 01", "alpha/registers|HOST|BMC|1|IDR 01 data",
                "beta/registers|BMC|HOST|0|ODR 02", "beta/registers|HOST|BMC|1|IDR 02 data",
            ])
        #expect(extcap.wait() == 0)
    }

    @Test func whatIsAskedToEndTakesWhatItStartedWithIt() throws {
        try program("kcsctl", #"echo $$ >"$HOME/pid"; printf '\012\015\015\012'; exec sleep 1000"#)
        try #require(mkfifo(folder.path + "/home/pid", 0o600) == 0)
        let started = try Syscalls.open(folder.path + "/home/pid", O_RDONLY | O_NONBLOCK)
        let (extcap, fifo) = try capture("kcsmux:bmc:alpha")
        let reader = try Syscalls.open(fifo, O_RDONLY | O_NONBLOCK)
        try #require(wait(started.raw))
        var text = [UInt8](repeating: 0, count: 16)
        let count = read(started.raw, &text, text.count)
        let process = try #require(Int32(String(decoding: text[..<max(0, count - 1)], as: UTF8.self)))
        kill(extcap.process, SIGTERM)
        #expect(extcap.wait() == 0)
        #expect(kill(process, 0) == -1)
        // Less than a block came, and nothing was passed on.
        var byte: UInt8 = 0
        #expect(read(reader.raw, &byte, 1) == 0)
    }

    @Test func whyThereIsNoCaptureIsSaid() throws {
        try program(
            "kcsctl", #"case "$*" in *damaged) echo 'no pcapng at all' ;; *) echo "kcsctl: no $*" >&2; exit 1 ;; esac"#)
        for (interface, said) in [
            ("kcsmux:refused:alpha", "refused, alpha: Permission denied (publickey)."),
            ("kcsmux:refused", "refused: Permission denied (publickey)."),
            ("kcsmux:bmc:beta", "bmc, beta: kcsctl: no capture follow -- beta"),
            ("kcsmux:bmc:damaged", "bmc, damaged: what came is no capture: no pcapng at all"),
        ] {
            let (extcap, fifo) = try capture(interface)
            let reader = try Syscalls.open(fifo, O_RDONLY | O_NONBLOCK)
            defer { _ = reader.raw }
            #expect(extcap.wait() == 1)
            #expect(folder.text("errors") == "kcsmux-extcap: \(said)\n")
            unlink(fifo)
            unlink(folder.path + "/errors")
        }
    }

    /// The whole way: tshark runs the program for the list and for the capture, and dumpcap reads the FIFO.
    @Test(.enabled(if: hasTshark && Program.find("dumpcap") != nil, "tshark or dumpcap is not installed"))
    func tsharkCapturesFromAnInterfaceOfItsList() throws {
        let daemon = try Daemon(echoChannel("alpha"))
        try echo(daemon, "alpha", [0x41])
        let file = folder.path + "/alpha.pcapng"
        #expect(try daemon.kcsctl("capture", "dump", "alpha", "-o", file).status == 0)
        chmod(file, 0o644)
        try program("kcsctl", "case $1 in status) echo alpha ;; *) cat \(file); exec sleep 1000 ;; esac")
        let rows = try tshark(
            ["-i", "kcsmux:bmc:alpha", "-c", "4"], columns,
            environment: ["WIRESHARK_EXTCAP_DIR=\(folder.path)/extcap", "KCSMUX_EXTCAP_HOSTS=bmc"])
        #expect(rows.count == 4, "\(rows)")
        #expect(rows.suffix(2) == ["alpha/registers|HOST|BMC|1|IDR 41 data", "alpha/registers|BMC|HOST|0|ODR 41"])
    }
}
