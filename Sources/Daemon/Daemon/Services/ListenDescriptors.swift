// SPDX-License-Identifier: Apache-2.0
import LinuxIO

/// Descriptors that a service manager opened for this process: $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES, as
/// sd_listen_fds(3) describes them.
public struct ListenDescriptors {
    private var named: [(name: String, descriptor: Int32)] = []

    /// The first descriptor that is passed.
    private static let first: Int32 = 3

    /// What the environment says is meant for this process.
    public init() {
        guard let process = CurrentProcess.environment("LISTEN_PID"), Int32(process) == CurrentProcess.identifier,
            let text = CurrentProcess.environment("LISTEN_FDS"), let count = Int32(text), count > 0, count < 1024
        else { return }
        let names = CurrentProcess.environment("LISTEN_FDNAMES")?.parts(at: UInt8(ascii: ":"), keepingEmpty: true)
        for index in 0..<count {
            let descriptor = Self.first + index
            guard Descriptors.closeOnExec(descriptor).errno == nil else { continue }
            let name = names.flatMap { Int(index) < $0.count ? $0[Int(index)] : nil } ?? "unknown"
            named.append((name, descriptor))
        }
    }

    /// Descriptors that the daemon passed to the process of a channel.
    init(_ named: [(name: String, descriptor: Int32)]) { self.named = named }

    /// Those that are for a channel.
    func all(of channel: String) -> [(name: String, descriptor: Int32)] {
        Array(named.filter { $0.name.utf8.starts(with: "\(channel).".utf8) }.prefix(ProcessDescriptors.mostSockets))
    }

    /// The first descriptor of that name.
    public func descriptor(named name: String) -> Int32? { named.first { $0.name == name }?.descriptor }
}
