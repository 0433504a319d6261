// SPDX-License-Identifier: Apache-2.0
import CLinux
import JSON
import LinuxIO
import Testing

@Suite struct SocketTests {
    @Test func fileModeSemanticsDecideWhoMayUseTheSocket() {
        func may(_ user: UInt32, _ groups: [UInt32], _ mode: UInt32) -> Bool {
            LocalPeer(process: 1, user: user, groups: groups).mayWrite(owner: 100, group: 10, mode: mode)
        }
        #expect(may(0, [0], 0o000))
        #expect(may(100, [1], 0o600))
        #expect(!may(100, [10], 0o060))
        #expect(!may(100, [10], 0o066))
        #expect(may(101, [10], 0o660))
        #expect(may(101, [1, 2, 10], 0o660))
        #expect(!may(101, [10], 0o606))
        #expect(!may(101, [10], 0o640))
        #expect(!may(101, [1], 0o660))
        #expect(may(101, [1], 0o662))
    }

    @Test func theSocketHasItsModeAndGoesWithTheDaemon() throws {
        let folder = TemporaryFolder()
        let daemon = try Daemon(
            echoChannel(), control: "{socket: \(folder.path)/run/control.sock, mode: 0620}", folder: folder)
        let status = try Syscalls.stat(daemon.socket)
        #expect(status.mode & 0o777 == 0o620)
        #expect(daemon.stop() == 0)
        #expect((try? Syscalls.stat(daemon.socket)) == nil)
    }

    @Test func aModeThatChangesInTheFileChangesTheSocket() throws {
        let daemon = try Daemon(echoChannel())
        #expect(try Syscalls.stat(daemon.socket).mode & 0o777 == 0o600)
        daemon.folder.write(
            "kcsmux.yaml",
            Daemon.file(daemon.folder, echoChannel(), control: "{socket: \(daemon.socket), mode: 0666}"))
        #expect(try daemon.kcsctl("reload").status == 0)
        #expect(try Syscalls.stat(daemon.socket).mode & 0o777 == 0o666)
        #expect(try daemon.kcsctl("status").status == 0)
    }

    @Test func theSocketOfADeadDaemonIsReplaced() throws {
        let folder = TemporaryFolder()
        let first = try Daemon(echoChannel(), folder: folder)
        first.stop(SIGKILL)
        #expect((try? Syscalls.stat(first.socket)) != nil)
        let second = try Daemon(echoChannel(), folder: folder)
        #expect(try second.kcsctl("status").status == 0)
    }

    @Test func theSocketOfALiveDaemonIsRefused() throws {
        let daemon = try Daemon(echoChannel())
        let second = try Program.run([Program.kcsmuxd, "--config", daemon.folder.path + "/kcsmux.yaml"])
        #expect(second.status == 1)
        #expect(
            second.errors.contains(
                "control socket \(daemon.socket): another daemon listens there (process \(daemon.process))"),
            "\(second.errors)")
        #expect(try daemon.kcsctl("status").status == 0)
    }

    @Test func aFileOfAnotherKindIsNotReplaced() throws {
        let folder = TemporaryFolder()
        let path = folder.write("file", "precious")
        let file = folder.write("kcsmux.yaml", Daemon.file(folder, echoChannel(), control: "{socket: \(path)}"))
        let result = try Program.run([Program.kcsmuxd, "--config", file])
        #expect(result.status == 1)
        #expect(result.errors.contains("control socket \(path): there is a file of another kind"))
        #expect(folder.text("file") == "precious")
    }

    @Test func anUnknownGroupIsNamed() throws {
        let folder = TemporaryFolder()
        let file = folder.write(
            "kcsmux.yaml", Daemon.file(folder, echoChannel(), control: "{socket: \(folder.path)/s, group: nonesuch}"))
        let result = try Program.run([Program.kcsmuxd, "--config", file])
        #expect(result.status == 1)
        #expect(result.errors.contains("there is no group nonesuch"))
    }

    @Test func aPassedSocketIsUsed() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/passed.sock"
        let listener = try UnixSocket.stream(blocking: true)
        guard case .success = UnixSocket.bind(listener.raw, path, abstract: false) else {
            throw TestFailure("bind \(path)")
        }
        #expect(listen(listener.raw, 8) == 0)
        let daemon = try Daemon(
            echoChannel(), folder: folder, environment: ["LISTEN_FDS=1", "LISTEN_FDNAMES=control"],
            wrapper: ["/bin/sh", "-c", "export LISTEN_PID=$$; exec \"$0\" \"$@\""], descriptors: [(3, listener.raw)])
        #expect(try Client(path).ask(["command": .string("ping")])["ok"]?.bool == true)
        #expect((try? Syscalls.stat(daemon.socket)) == nil)
        // Its file is its maker's.
        #expect(daemon.stop() == 0)
        #expect((try? Syscalls.stat(path)) != nil)
    }

    @Test func aPassedDescriptorThatIsNoListeningSocketIsNamed() throws {
        let folder = TemporaryFolder()
        let file = folder.write("kcsmux.yaml", Daemon.file(folder, echoChannel()))
        let result = try Program.run([
            "/bin/sh", "-c",
            "exec 3</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=control; exec \(Program.kcsmuxd) --config \(file)",
        ])
        #expect(result.status == 1)
        #expect(
            result.errors.contains("error kcsmuxd: $LISTEN_FDS: descriptor 3, the control socket, is not a socket\n"),
            "\(result.errors)")
    }

    @Test func aSocketThatCannotBeMadeSaysWhy() throws {
        let folder = TemporaryFolder()
        let parent = folder.write("file", "")
        let path = "\(parent)/control.sock"
        let file = folder.write("kcsmux.yaml", Daemon.file(folder, echoChannel(), control: "{socket: \(path)}"))
        let result = try Program.run([Program.kcsmuxd, "--config", file])
        #expect(result.status == 1)
        #expect(
            result.errors.contains("control socket \(path): mkdir \(parent): Not a directory\n"), "\(result.errors)")
    }

    // MARK: Permission

    /// Runs a command as nobody.
    private func asNobody(_ words: [String]) throws -> Program.Result {
        try Program.run(
            [Program.find("setpriv")!, "--reuid", "65534", "--regid", "65534", "--clear-groups"] + words)
    }

    private static let canBeNobody = getuid() == 0 && Program.find("setpriv") != nil

    @Test(.enabled(if: canBeNobody, "needs root and setpriv"))
    func whoMayNotOpenTheSocketIsTold() throws {
        let daemon = try Daemon(echoChannel())
        let result = try asNobody([Program.kcsctl, "--socket", daemon.socket, "stop", "echo"])
        #expect(result.status == 77)
        #expect(result.errors == "kcsctl: no permission to use \(daemon.socket); ask for its group, or be root\n")
    }

    @Test(.enabled(if: canBeNobody, "needs root and setpriv"))
    func credentialsAreCheckedAndARefusalIsLoggedOnce() throws {
        let daemon = try Daemon(echoChannel())
        // As if somebody had opened the file up: the configured mode still counts.
        chmod(daemon.socket, 0o666)
        for _ in 0..<5 {
            let result = try asNobody([Program.kcsctl, "--socket", daemon.socket, "stop", "echo"])
            #expect(result.status == 77)
            #expect(result.errors.contains("user 65534 may not use this socket"))
        }
        let status = try daemon.ask(["command": .string("status")])
        #expect(status["result"]?["channels"]?.elements?.first?["state"]?.text == "running")
        #expect(daemon.log.split(separator: "\n").count { $0.contains("user 65534") } == 1)
    }
}
