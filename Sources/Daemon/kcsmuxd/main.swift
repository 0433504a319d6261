// SPDX-License-Identifier: Apache-2.0
import CLinux
import Common
import Daemon
import DaemonConfiguration
import Devices
import LinuxIO
import PluginHost
import SimulatedDevice
import YAML

/// Exit statuses, those of sysexits.h where there is one.
enum ExitStatus {
    static let success: Int32 = 0
    static let failure: Int32 = 1
    static let usage: Int32 = 64
    static let configuration: Int32 = 78
}

func put(_ text: String, to descriptor: Int32) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { Syscalls.writeAll(descriptor, $0) }
}

func start(_ arguments: [String]) -> Int32 {
    let commandLine: CommandLine
    switch CommandLine.parse(arguments) {
    case .success(let parsed): commandLine = parsed
    case .failure(let error):
        put("kcsmuxd: \(error.text)\nTry kcsmuxd --help.\n", to: 2)
        return ExitStatus.usage
    }
    switch commandLine.wish {
    case .help:
        put(CommandLine.help, to: 1)
        return ExitStatus.success
    case .version:
        put("kcsmuxd \(Version.text)\nplugin ABI \(Version.abi)\nbuild \(Version.build)\n", to: 1)
        return ExitStatus.success
    case .check:
        return read(commandLine.file) { plan in
            let count = plan.channels.count
            return "\(commandLine.file): ok, \(count) channel\(count == 1 ? "" : "s")\n"
        }
    case .printConfiguration: return read(commandLine.file) { $0.effectiveText }
    case .printNeeds: return read(commandLine.file) { plan in plan.needs.map { $0 + "\n" }.joined() }
    case .checkPlugin(let file): return checkPlugin(file)
    case .serveChannel:
        // The daemon has tried its plugins.
        return ChannelServer.run(DeviceKind.all, PluginLoader(folders: [], trust: .strict))
    case .run: return run(commandLine)
    }
}

/// Every plugin is loaded by another process first.
func makeLoader() -> PluginLoader {
    PluginLoader(folders: [], trust: .strict, trial: CurrentProcess.executable.map { LoadTrial(program: $0) })
}

/// The other side of `LoadTrial`: its output is what that reads.
func checkPlugin(_ file: String) -> Int32 {
    let loader = PluginLoader(folders: [], trust: .any) { put("\($0.rawValue)\n", to: 1) }
    switch loader.load(Path.hasFolder(file) ? file : "./\(file)") {
    case .failure(let failure):
        put("\(failure.description)\n", to: 1)
        return LoadTrial.refused
    case .success(let plugin):
        guard let fault = ShapeReview.faults(plugin.options).first else {
            put("\(LoadTrial.Step.done.rawValue)\n", to: 1)
            return ExitStatus.success
        }
        put("\(LoadTrial.refusal)\(fault)\n", to: 1)
        return LoadTrial.refused
    }
}

/// Reads a file, checks all of it, and prints what there is to say of it.
func read(_ file: String, _ text: (Plan) -> String) -> Int32 {
    let outcome = PlanReader.read(file, DeviceKind.all, makeLoader())
    outcome.diagnostics.append(outcome.pluginDiagnostics)
    put(outcome.diagnostics.render(), to: 2)
    guard let plan = outcome.plan, !outcome.diagnostics.hasErrors else { return ExitStatus.configuration }
    put(text(plan), to: 1)
    return ExitStatus.success
}

func run(_ commandLine: CommandLine) -> Int32 {
    let loader = makeLoader()
    let outcome = PlanReader.read(commandLine.file, DeviceKind.all, loader)
    put(outcome.diagnostics.render(), to: 2)
    guard let plan = outcome.plan else { return ExitStatus.configuration }
    let log = Log(level: commandLine.level)
    // What hosts send may hold passwords: it is in no core dump.
    CurrentProcess.forbidDumps()
    let supervisor: Supervisor
    do throws(SystemError) {
        supervisor = try Supervisor(path: commandLine.file, plan: plan, kinds: DeviceKind.all, loader: loader, log: log)
    } catch {
        log.write(.error, nil, error.description)
        return ExitStatus.failure
    }
    do throws(Supervisor.Failure) { try supervisor.run() } catch {
        log.write(.error, nil, error.description)
        return ExitStatus.failure
    }
    return ExitStatus.success
}

exit(start(Array(CurrentProcess.arguments.dropFirst())))
