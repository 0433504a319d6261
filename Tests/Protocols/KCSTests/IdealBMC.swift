// SPDX-License-Identifier: Apache-2.0

import KCS

/// A BMC without any delay: what STATE has to be, at the latest when IBF falls, after each write of the host.
///
/// Written from IPMI 2.0 §9 on its own, not from the machine under test.
struct IdealBMC: Hashable {
    enum Phase: Hashable {
        case idle, started, data, ending, reading(Int), abort1, abort2, error
    }

    var phase = Phase.idle
    let responseLength: Int

    var state: KCSState {
        switch phase {
        case .idle: .idle
        case .started, .data, .ending: .write
        case .reading, .abort2: .read
        // After GET_STATUS/ABORT no host looks before it has written 00.
        case .abort1: .write
        case .error: .error
        }
    }

    mutating func hostWrites(_ value: UInt8, command: Bool) {
        if command {
            switch value {
            case 0x61: phase = .started
            case 0x62: phase = phase == .data ? .ending : .error
            case 0x60: phase = .abort1
            default: phase = .error
            }
            return
        }
        switch phase {
        case .started, .data: phase = .data
        case .ending: phase = .reading(0)
        case .reading(let count):
            if value != 0x68 {
                phase = .error
            } else {
                phase = count + 1 == responseLength ? .idle : .reading(count + 1)
            }
        case .abort1: phase = .abort2
        case .abort2: phase = .idle
        case .idle, .error: phase = .error
        }
    }
}
