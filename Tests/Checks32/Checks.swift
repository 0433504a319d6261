// SPDX-License-Identifier: Apache-2.0
//
// The fuzzers of Tests/Fuzz for processors on which Int has 32 bits. There is no ordinary Swift for them, so no test framework
// and no libFuzzer either: inputs come from a generator with a fixed seed. `.ci/armv7-checks` builds and runs it.

/// xorshift64*, with the same numbers every time.
private struct Generator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}

/// Runs a fuzzer on so many inputs, of every length up to 400 bytes; some bytes are likelier than others, so that more than
/// the first check of each input is passed.
private func fuzz(_ name: StaticString, _ count: Int, _ run: (UnsafeRawBufferPointer) -> Void) {
    var generator = Generator(state: 0x9E37_79B9_7F4A_7C15)
    let frequent = Array("{}[]:,\"0-\\ \u{60}\u{61}\u{68}\u{10}".utf8)
    for _ in 0..<count {
        let length = Int(truncatingIfNeeded: generator.next() >> 33) % 400
        let input = (0..<length).map { _ in
            let number = generator.next() >> 20
            return number & 0x300 == 0
                ? frequent[Int(truncatingIfNeeded: number & 0xFF) % frequent.count] : UInt8(truncatingIfNeeded: number)
        }
        input.withUnsafeBytes(run)
    }
    print("\(name): \(count) inputs")
}

@main struct Checks {
    static func main() {
        rule(Int.bitWidth == 32, "these checks are for 32 bits")
        fuzz("transfer", 4_000, fuzzTransfer)
        fuzz("mctp", 4_000, fuzzMCTP)
        fuzz("astlpc", 4_000, fuzzAstlpc)
        fuzz("json", 20_000, fuzzJSON)
    }
}
