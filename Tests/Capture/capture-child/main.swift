// SPDX-License-Identifier: Apache-2.0
//
// A process for tests to kill, and for a profiler to count:
//   ring PATH EVENTS START      writes events START, START+1, … into a persistent ring until it is killed, and after
//                               each its number into PATH.progress
//   step PATH EVENTS COUNT      stops itself, writes COUNT events into a persistent ring when it is continued, exits
//   crash PATH segv|abort|trap  a handler of channel "debug" dies; PATH receives the raw dump
//   cost COUNT                  records COUNT register accesses and exits
//   message-cost COUNT          records COUNT messages of 18 bytes and exits
import CLinux
import Capture
import LinuxIO

let arguments = CurrentProcess.arguments

func fail(_ text: String) -> Never {
    print(text)
    exit(1)
}

func persistent(_ path: String, _ events: Int) -> Recorder {
    let identity = RecorderIdentity(channel: "debug", description: "a test", number: 1)
    do { return try Recorder(identity, events: events, path: path) } catch { fail(error.description) }
}

switch arguments.dropFirst().first {
case "ring" where arguments.count == 5:
    let recorder = persistent(arguments[2], Int(arguments[3])!)
    var index = UInt64(arguments[4])!
    guard let file = try? Syscalls.open(arguments[2] + ".progress", O_RDWR | O_CREAT),
        ftruncate(file.raw, 8) == 0, let progress = cl_mmap(8, PROT_READ | PROT_WRITE, MAP_SHARED, file.raw, 0)
    else { fail("progress") }
    let word = progress.bindMemory(to: UInt64.self, capacity: 1)
    print("ready")
    fflush(nil)
    while true {
        Script.record(index, recorder)
        cl_store64_release(word, index)
        index += 1
    }

case "step" where arguments.count == 5:
    let recorder = persistent(arguments[2], Int(arguments[3])!)
    let count = UInt64(arguments[4])!
    // Once for nothing: binding symbols on first use takes more instructions than all the rest.
    let warm = Recorder(RecorderIdentity(channel: "warm", description: ""), events: 16)
    for index in UInt64(0)..<24 { Script.record(index, warm) }
    raise(SIGSTOP)
    for index in 0..<count { Script.record(index, recorder) }
    exit(0)

case "crash" where arguments.count == 4:
    let first = Recorder(RecorderIdentity(channel: "debug", description: "the first"), events: 64)
    let second = Recorder(RecorderIdentity(channel: "ipmi", description: "the second"), events: 64)
    first.setPlugin("debug-trigger")
    for index in 0..<20 { Script.record(UInt64(index), first) }
    second.idrRead(0x61, str: 0x0A, at: 99)
    do {
        let file = try Syscalls.open(arguments[2], O_RDWR | O_CREAT | O_TRUNC)
        try FatalDump.install(file.release())
        first.enter("data")
        switch arguments[3] {
        case "segv": UnsafeMutablePointer<UInt8>(bitPattern: 0x10)!.pointee = 1
        case "abort": abort()
        default: fatalError("as asked")
        }
    } catch { fail(error.description) }

case "cost" where arguments.count == 3:
    let recorder = Recorder(RecorderIdentity(channel: "debug", description: "cost"), events: 4096)
    let count = UInt64(arguments[2])!
    var time: UInt64 = 1
    while time <= count {
        recorder.idrRead(UInt8(truncatingIfNeeded: time), str: 0x0A, at: time)
        time += 1
    }

case "message-cost" where arguments.count == 3:
    let recorder = Recorder(RecorderIdentity(channel: "debug", description: "cost"), events: 4096)
    let count = UInt64(arguments[2])!
    let bytes = [UInt8](repeating: 7, count: 18)
    bytes.withUnsafeBytes {
        var time: UInt64 = 1
        while time <= count {
            recorder.message(.fromHost, link: .ipmi, $0, at: time)
            time += 1
        }
    }

default: fail("usage: capture-child ring|step|crash|cost|message-cost …")
}
