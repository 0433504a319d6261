// SPDX-License-Identifier: Apache-2.0
//
// What does not depend on the machine's mood: instructions, allocations, locks and system calls, each as the slope between
// two numbers of bytes, so that start and end cancel out.
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit

/// What callgrind found, of a whole run or for one byte.
struct Profile {
    var instructions = 0.0
    var allocations = 0.0
    var locks = 0.0

    /// Reads what callgrind left.
    init(_ text: String) {
        var called: Substring = ""
        for line in text.split(separator: "\n") {
            if line.hasPrefix("summary: ") || line.hasPrefix("totals: ") {
                instructions = Double(line.split(separator: " ")[1]) ?? 0
            } else if line.hasPrefix("cfn=") {
                // Versions and recursions come behind these marks.
                called = line.dropFirst(4).prefix { $0 != "@" && $0 != "'" }
                while called.first == "_" { called.removeFirst() }
            } else if line.hasPrefix("calls=") {
                let count = Double(line.dropFirst(6).split(separator: " ")[0]) ?? 0
                if Self.allocators.contains(called) { allocations += count }
                if Self.lockers.contains(called) { locks += count }
            }
        }
    }

    private init() {}

    /// What each of `count` more bytes cost.
    static func slope(from short: Profile, to long: Profile, over count: Int) -> Profile {
        var slope = Profile()
        slope.instructions = (long.instructions - short.instructions) / Double(count)
        slope.allocations = (long.allocations - short.allocations) / Double(count)
        slope.locks = (long.locks - short.locks) / Double(count)
        return slope
    }

    private static let allocators: Set<Substring> = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"]
    private static let lockers: Set<Substring> = [
        "pthread_mutex_lock", "pthread_mutex_trylock", "pthread_mutex_timedlock", "pthread_rwlock_rdlock",
        "pthread_rwlock_wrlock", "pthread_spin_lock", "pthread_cond_signal", "pthread_cond_broadcast", "sem_post",
        "sem_wait",
    ]
}

/// What counter.c has counted up to a moment.
struct Calls {
    var calls = 0.0
    var clocks = 0.0
    var turns = 0.0
    var looks = 0.0
    var others = 0.0

    static func - (after: Calls, before: Calls) -> Calls {
        Calls(
            calls: after.calls - before.calls, clocks: after.clocks - before.clocks,
            turns: after.turns - before.turns, looks: after.looks - before.looks, others: after.others - before.others)
    }
}

struct Counter {
    let workshop: Workshop
    static var hasCallgrind: Bool { access("/usr/bin/valgrind", X_OK) == 0 }
    private static let short = 500
    private static let long = 10_500

    /// What one byte costs in user space. `start` runs a program that serves `device`.
    func profile(_ device: Device, _ start: (Tool) throws -> Program) throws -> Profile {
        let short = try profile(device, start, Self.short)
        return .slope(from: short, to: try profile(device, start, Self.long), over: Self.long - Self.short)
    }

    private func profile(_ device: Device, _ start: (Tool) throws -> Program, _ bytes: Int) throws -> Profile {
        let program = try start(.callgrind("\(workshop.folder.path)/callgrind.out"))
        try device.host().exchange(bytes)
        program.finish()
        return Profile(workshop.folder.read("callgrind.out") ?? "")
    }

    /// Runs kcsmuxd without a vDSO on some channels, and answers what it called while `body` ran, behind `warmUp`.
    func calls(
        _ channels: [ChannelLine], warmUp: () throws -> Void, _ body: () throws -> Void
    ) throws -> Calls {
        let daemon = try workshop.daemon(channels, tool: .counter(workshop.counter))
        try warmUp()
        let before = try daemon.counted()
        try body()
        let after = try daemon.counted()
        daemon.finish()
        return after - before
    }
}

extension Program {
    /// What counter.c, which runs it, has counted.
    fileprivate func counted() throws -> Calls {
        signal(SIGUSR1)
        guard let line = line("counted:") else { throw Obstacle(text: "nothing is counted: \(log)") }
        let words = line.split(separator: " ")
        func value(_ name: Substring) -> Double {
            words.firstIndex(of: name).flatMap { Double(words[$0 + 1]) } ?? .nan
        }
        return Calls(
            calls: value("calls"), clocks: value("clocks"), turns: value("turns"), looks: value("looks"),
            others: value("others"))
    }
}
