// SPDX-License-Identifier: Apache-2.0
//
// Fuzzers: each takes bytes that anybody could have made, and must neither trap nor hang, nor break a rule that it states.
// `.ci/fuzz` builds and runs them; this program is not part of an ordinary build, for it wants instrumented libraries.
//   fuzz NAME [libFuzzer's arguments]
//   fuzz list
import CLinux
import LinuxIO

/// libFuzzer's own entry; it is part of the sanitizer's runtime, and has no header.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// A fuzzer.
struct Fuzzer: Sendable {
    let name: String
    let run: @Sendable (UnsafeRawBufferPointer) -> Void
}

/// The one that runs: set once, before libFuzzer's first call.
private nonisolated(unsafe) var chosen: (UnsafeRawBufferPointer) -> Void = { _ in }

@main struct Fuzz {
    static let all = [
        Fuzzer(name: "yaml", run: fuzzConfiguration),
        Fuzzer(name: "descriptor", run: fuzzDescriptor),
        Fuzzer(name: "library", run: fuzzLibrary),
        Fuzzer(name: "transfer", run: fuzzTransfer),
        Fuzzer(name: "capture", run: fuzzCapture),
        Fuzzer(name: "json", run: fuzzJSON),
        Fuzzer(name: "mctp", run: fuzzMCTP),
        Fuzzer(name: "astlpc", run: fuzzAstlpc),
    ]

    static func main() {
        var arguments = CurrentProcess.arguments
        guard arguments.count > 1, let fuzzer = all.first(where: { $0.name == arguments[1] }) else {
            for fuzzer in all { print(fuzzer.name) }
            exit(arguments.count > 1 && arguments[1] == "list" ? 0 : 64)
        }
        arguments.remove(at: 1)
        chosen = fuzzer.run
        // Never freed: libFuzzer keeps them.
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: arguments.count + 1)
        for (index, argument) in arguments.enumerated() { list[index] = strdup(argument) }
        list[arguments.count] = nil
        var count = Int32(arguments.count)
        let place = UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>.allocate(capacity: 1)
        place.initialize(to: list)
        exit(
            runDriver(&count, place) { bytes, count in
                chosen(UnsafeRawBufferPointer(start: bytes, count: count))
                return 0
            })
    }
}
