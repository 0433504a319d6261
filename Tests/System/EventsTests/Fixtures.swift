// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

@testable import Events

/// A pipe whose ends are closed with it.
final class Pipe {
    let input: Int32
    let output: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0)
        input = ends[0]
        output = ends[1]
    }

    deinit {
        close(input)
        close(output)
    }

    func write(_ value: UInt8 = 1) {
        withUnsafeBytes(of: value) { precondition((try? Syscalls.write(output, $0).get()) == 1) }
    }

    @discardableResult
    func read() -> UInt8? {
        var value: UInt8 = 0
        let count = withUnsafeMutableBytes(of: &value) { try? Syscalls.read(input, into: $0).get() }
        return count == 1 ? value : nil
    }
}

/// A source that records its calls.
final class Probe: EventSource {
    var calls: [Readiness] = []
    let action: (Probe) -> Void
    let gone: () -> Void

    init(_ action: @escaping (Probe) -> Void = { _ in }, gone: @escaping () -> Void = {}) {
        self.action = action
        self.gone = gone
        super.init()
    }

    deinit { gone() }

    override func ready(_ events: Readiness, now: UInt64) {
        calls.append(events)
        action(self)
    }
}

/// A timer that records the times at which it fired.
final class Tick: LoopTimer {
    var times: [UInt64] = []
    let action: (Tick) -> Void
    let gone: () -> Void

    init(_ action: @escaping (Tick) -> Void = { _ in }, gone: @escaping () -> Void = {}) {
        self.action = action
        self.gone = gone
        super.init()
    }

    deinit { gone() }

    override func fire(now: UInt64) {
        times.append(now)
        action(self)
    }
}

/// Random numbers that a seed repeats (SplitMix64, S. Vigna, public domain).
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A value that closures share.
final class Box<Value> {
    var value: Value
    init(_ value: Value) { self.value = value }
}
