// SPDX-License-Identifier: Apache-2.0
//
// Sends Get Device ID to a controller as often as the first argument says. Instructions a message are the slope between
// two runs of a release build under callgrind: (collected(20000) - collected(10000)) / 10000.
import IPMI
import IPMIController

guard CommandLine.arguments.count == 2, let rounds = Int(CommandLine.arguments[1]) else {
    fatalError("usage: ipmi-count ROUNDS")
}
let controller = ManagementController(ControllerConfiguration())
controller.start(now: 1, wall: 1)
while controller.nextEffect() != nil {}
let request: [UInt8] = [0x18, 0x01]
var total = 0
withUnsafeTemporaryAllocation(byteCount: 260, alignment: 8) { buffer in
    request.withUnsafeBytes { bytes in
        for round in 0..<rounds {
            if case .reply(let count) = controller.message(UInt64(round), bytes, into: buffer, now: UInt64(round)) {
                total += count
            }
        }
    }
}
precondition(total == rounds * 18, "a response to Get Device ID has 18 bytes")
