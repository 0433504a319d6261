// SPDX-License-Identifier: Apache-2.0
//
// Text that a peer sends.
import JSON

/// The JSON of the control socket: what was read is written so that it is read as the same again.
func fuzzJSON(_ input: UnsafeRawBufferPointer) {
    guard let value = try? JSONReader.read(Array(input)) else { return }
    let line = value.line
    rule(line.firstIndex(of: 0x0A) == line.count - 1, "one line")
    let limits = JSONLimits(bytes: 1 << 20, depth: 16, members: 64)
    let again = try? JSONReader.read(Array(line.dropLast()), limits: limits)
    rule(again == value, "what was written is read as something else")
}
