// SPDX-License-Identifier: Apache-2.0

import DriverModel

@testable import KCS

/// The windows of the manual's list, as predicates on what has happened: "Where a host can still see a wrong STATE".
enum Window: String, CaseIterable, Hashable {
    /// 1. Idle with nothing parked: WRITE is shown where IDLE is right.
    case unarmed
    /// 2. A command while nothing is parked and WRITE is not shown.
    case bareCommand
    /// 3. GET_STATUS/ABORT, whose value is known one byte late.
    case abort
    /// 4. WRITE_START in the middle of a write phase, which looks like WRITE_END.
    case restartWhileWriting
    /// 5. A host, or the interrupt, that stood still until a byte was let go with none behind it.
    case stalledInWrite
    /// 6. A host that stood still until the transfer was given up.
    case givenUp
    /// 7. IDLE is shown when the last byte of a response was read, before READ came; another host finds it.
    case earlyIdle

    /// The daemon made a step.
    static func daemonMoved(from before: World, to after: World, _ ghost: inout Proof.Ghost) {
        let machine = before.machine
        let twoBytes = before.device.isReadable && before.device.isInputFull
        if !machine.reads, after.machine.reads, machine.phase == .writeStart || machine.phase == .writeData {
            let unproven = after.machine.guessed || after.machine.reading == .either || machine.guessed
            if !twoBytes && unproven || machine.uncertain && after.machine.reading == .either {
                ghost.windows.insert(.stalledInWrite)
            }
        }
        if !machine.reads, after.machine.reads, after.machine.reading == .command, !twoBytes {
            ghost.windows.insert(.givenUp)
        }
        let gaveUp = machine.handshake == .fast && machine.shown != .idle && after.machine.shown == .idle
        if gaveUp, ghost.ideal.state != .idle, !machine.reads, !before.device.isInputFull {
            ghost.windows.insert(.givenUp)
        }
        let wasUnarmed = machine.phase == .idle && machine.rest == .unarmed
        let isUnarmed = after.machine.phase == .idle && after.machine.rest == .unarmed
        if isUnarmed, !wasUnarmed, ghost.ideal.phase != .idle { ghost.windows.insert(.givenUp) }
    }

    /// The host is about to write a command.
    static func hostCommands(_ value: UInt8, parked: Bool, _ world: World, _ ghost: inout Proof.Ghost) {
        if value == ControlCode.getStatusAbort { ghost.windows.insert(.abort) }
        guard value == ControlCode.writeStart else { return }
        let state = StatusRegister(rawValue: world.device.str).state
        // The last byte of a request, and READ in the middle of a response, are parked only until they are read, in the
        // same turn.
        let machine = world.machine
        let open = !parked || machine.phase == .writeEnd || machine.phase == .reading || machine.reads
        if open, state != .write { ghost.windows.insert(.bareCommand) }
        switch ghost.ideal.phase {
        case .started, .data, .ending: ghost.windows.insert(.restartWhileWriting)
        default: break
        }
    }

    /// The host saw a wrong state.
    static func hostLooked(_ world: World, _ ghost: inout Proof.Ghost) {
        if world.machine.rest == .unarmed, world.machine.phase == .idle, ghost.ideal.phase == .idle {
            ghost.windows.insert(.unarmed)
        }
        let ending = world.machine.phase == .lastByte || world.machine.phase == .abort2 || world.machine.phase == .idle
        if world.host.decision == .idle, world.host.written == 0, ending, ghost.ideal.state == .read {
            ghost.windows.insert(.earlyIdle)
        }
    }
}
