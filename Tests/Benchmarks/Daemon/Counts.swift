// SPDX-License-Identifier: Apache-2.0
//
// What does not depend on the machine's mood: instructions, system calls, allocations, each as the slope between two
// numbers of bytes, so that start and end cancel out.
import CLinux
import LinuxIO
import SimulatedDevice
import TestKit

/// What a run of callgrind found.
struct Profile {
    let instructions: Double
    let allocations: Double

    /// Reads what callgrind left.
    init(_ text: String) {
        var total = 0.0
        var allocations = 0.0
        var isAllocation = false
        for line in text.split(separator: "\n") {
            if line.hasPrefix("summary: ") || line.hasPrefix("totals: ") {
                total = Double(line.split(separator: " ")[1]) ?? 0
            } else if line.hasPrefix("cfn=") {
                isAllocation = Self.allocators.contains(String(line.dropFirst(4)))
            } else if line.hasPrefix("calls="), isAllocation {
                allocations += Double(line.dropFirst(6).split(separator: " ")[0]) ?? 0
            }
        }
        instructions = total
        self.allocations = allocations
    }

    private static let allocators: Set<String> = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"]
}

/// A program to be counted: made on a device under a tool, with the host CPU's side of it.
typealias Start = (Tool) throws -> (program: Program, host: SimulatedHost)

struct Counter {
    let workshop: Workshop
    static var hasCallgrind: Bool { access("/usr/bin/valgrind", X_OK) == 0 }
    static var hasStrace: Bool { access("/usr/bin/strace", X_OK) == 0 }
    private static let short = 500
    private static let long = 10_500

    /// Instructions and allocations in user space for one byte.
    func profile(_ start: Start) throws -> Profile.Slope {
        let short = try profile(start, Self.short)
        let long = try profile(start, Self.long)
        let count = Double(Self.long - Self.short)
        return Profile.Slope(
            instructions: (long.instructions - short.instructions) / count,
            allocations: (long.allocations - short.allocations) / count)
    }

    private func profile(_ start: Start, _ bytes: Int) throws -> Profile {
        let file = "\(workshop.folder.path)/callgrind.out"
        let tool = Tool.callgrind(file)
        let (program, host) = try start(tool)
        try host.exchange(bytes)
        program.finish(tool: tool)
        return Profile(workshop.folder.read("callgrind.out") ?? "")
    }

    /// System calls for one byte.
    func systemCalls(_ start: Start) throws -> Double {
        let short = try systemCalls(start, Self.short)
        return (try systemCalls(start, Self.long) - short) / Double(Self.long - Self.short)
    }

    private func systemCalls(_ start: Start, _ bytes: Int) throws -> Double {
        let tool = Tool.strace("\(workshop.folder.path)/strace.out")
        let (program, host) = try start(tool)
        try host.exchange(bytes)
        program.finish(tool: tool)
        let text = workshop.folder.read("strace.out") ?? ""
        let total = text.split(separator: "\n").last { $0.hasSuffix(" total") }
        let fields = total?.split(separator: " ") ?? []
        // percent, seconds, microseconds for each, calls, errors if any, "total"
        guard fields.count >= 5, let calls = Double(fields[3]) else { throw Obstacle(text: "strace told no total") }
        return calls
    }
}

extension Profile {
    /// For one byte.
    struct Slope {
        let instructions: Double
        let allocations: Double
    }
}
