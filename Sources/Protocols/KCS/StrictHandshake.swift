// SPDX-License-Identifier: Apache-2.0

// One byte behind, with the OBF gate: what a look at STR tells.
//
// The driver takes IDR in its interrupt handler and then masks the interrupt until that byte, the *parked* one, is
// read. The host's next byte therefore stays in IDR, with IBF set, and the host waits: the *gate* is closed. Three
// things can be known about a byte behind the gate without reading anything. A change of C/D says for certain that
// it is there and of the other kind. OBF still set says for certain that it is not there, because hosts read ODR
// before each write. OBF clear and no change for a while says that a byte of the same kind is there, most likely.
// So: write the STATE that the byte behind the gate leads to, put a fresh dummy into ODR, and only then read the
// parked byte, which opens the gate for exactly one byte.

extension TransferMachine {
    mutating func strictStatus(_ status: StatusRegister, now: UInt64) {
        if let value = doubted {
            doubted = nil
            decide(value, status, now)
        }
        let isBehindStart = startLetGo && status.contains(.ibf)
        if isBehindStart { (startLetGo, hostsLeave) = (false, false) }
        if parked == .nothing {
            evidence.looked(hasInput: status.contains(.ibf), now: now, atOnce: timings.lookIdle / 4)
        }
        guard status.contains(.ibf) else {
            parked = .nothing
            foundNothing(now)
            return
        }
        sawCommand = status.contains(.commandData)
        switch (parked, sawCommand) {
        case (.nothing, true) where isBehindStart && now &- progressAt < timings.keepsStartBriefly:
            park(.command, now)
            expected = .abort
        case (.nothing, true): commandArrived(now)
        case (.nothing, false): dataArrived(now)
        case (.data, true):
            // Linux writes a command after 5 s, whatever IBF says.
            let isForced = outputFull && now &- progressAt >= timings.abandon / 2
            if isForced { evidence.hostStoodStill() } else { evidence.sawByteBehind() }
            letGo(.data)
        case (.data, false): dataHeld(now)
        case (.command, false): dataBehindCommand()
        case (.command, true): commandHeld(now)
        }
    }

    /// Sets the time of the next look.
    mutating func schedule(_ now: UInt64) {
        wakeAt = nil
        guard parked != .nothing else {
            switch phase {
            case .error: wakeAt = progressAt &+ timings.unclean
            case .idle:
                if rest == .awaitingLastRead {
                    wakeAt = progressAt &+ timings.abandon
                } else if restingState == .idle, shown == .write {
                    wakeAt = progressAt &+ timings.untilIdle
                }
            case .writeEnd where shown == .write: wakeAt = nextLook(now)
            case .writeStart where startLetGo: wakeAt = progressAt &+ timings.unclean
            case .reading, .lastByte, .abort1, .abort2, .writeStart, .writeData, .writeEnd:
                wakeAt = progressAt &+ timings.abandon
            case .waiting, .withheld: break
            }
            return
        }
        var at = nextLook(now)
        if fellAt != nil, phase == .writeStart || phase == .writeData {
            at = min(at, now &+ max(settle / UInt64(Self.settledLooks), timings.look))
        }
        wakeAt = at
    }

    /// Fine steps at first, then a quarter of the time that has passed.
    private func nextLook(_ now: UInt64) -> UInt64 {
        let longest = holdsStart && shown == .idle ? timings.lookAtStart : timings.lookIdle
        return now &+ min(max((now &- progressAt) / 4, timings.look), longest)
    }

    // MARK: Nothing is parked

    private mutating func foundNothing(_ now: UInt64) {
        if phase == .writeData || phase == .writeStart, guessed { counters.wrongGuesses += 1 }
        guessed = false
        let age = now &- progressAt
        switch phase {
        case .writeEnd where outputFull && shown == .write && age < timings.abandon:
            // The host that wrote WRITE_END looks for WRITE, and reads the dummy, before it goes on.
            break
        case .writeEnd, .abort1:
            if age >= timings.abandon { becomeUnarmed() } else { showReadWithoutOutput() }
        case .error: if age >= timings.unclean { becomeUnarmed() }
        case .idle: foundNothingAtRest(age)
        case .writeStart where startLetGo:
            if age >= timings.unclean {
                (startLetGo, hostsLeave) = (false, true)
                becomeUnarmed()
            }
        case .reading, .lastByte, .abort2, .writeStart, .writeData: if age >= timings.abandon { becomeUnarmed() }
        case .waiting, .withheld: break
        }
    }

    private mutating func foundNothingAtRest(_ age: UInt64) {
        switch rest {
        case .armed, .startHeld: becomeUnarmed()
        case .awaitingLastRead: if age >= timings.abandon { becomeUnarmed() }
        case .unarmed: if restingState == .idle, shown == .write, age >= timings.untilIdle { showWithDummy(.idle) }
        }
    }

    /// Nobody is in a transfer and nothing is parked.
    mutating func becomeUnarmed() { becomeUnarmed(showing: restingState == .idle ? .idle : .write) }

    mutating func becomeUnarmed(showing state: KCSState) {
        phase = .idle
        rest = .unarmed
        ignoresOutput = false
        if shown != state { showWithDummy(state) }
    }

    /// A command came while the gate was open: its host looks at STATE already.
    private mutating func commandArrived(_ now: UInt64) {
        if phase == .idle && rest == .unarmed && shown == .idle {
            // IBF fell before anything could be shown. A host that saw IDLE may leave without a word, so the command stays
            // where it is: the next host's waits behind it.
            park(.command, now)
            expected = .writeStart
            rest = .startHeld
            showWithDummy(.write)
            return
        }
        guard phase == .writeStart || phase == .writeData else {
            letGo(.either)
            return
        }
        if outputFull && !ignoresOutput {
            // One byte since the dummy: it is the command that is parked.
            expected = commandInRequest(now)
            park(.command, now)
        } else if !guessed {
            // The command alone, or data with the command behind it. A fresh dummy tells: only in the first case can
            // the host still read it.
            park(.command, now)
            uncertain = true
            expected = .writeEnd
            showWithDummy(.write)
        } else {
            letGo(.data)
        }
    }

    /// WRITE_END, or WRITE_START where data was to follow: a host begins anew. Where nothing is known, one that was silent for
    /// long may be another one.
    private func commandInRequest(_ now: UInt64) -> Expected {
        if phase == .writeStart { return .writeStart }
        switch lengths.next(after: request.count, of: request) {
        case .data: return .writeStart
        case .writeEnd: return .writeEnd
        case .unknown: return now &- progressAt >= timings.unclean ? .writeStart : .writeEnd
        }
    }

    private mutating func dataArrived(_ now: UInt64) {
        switch phase {
        case .writeStart, .writeData: requestDataArrived(now)
        case .writeEnd:
            showReadWithoutOutput()
            read(.data)
        case .abort1:
            park(.data, now)
            show(.read, with: error.rawValue)
            phase = .abort2
        case .reading:
            guard sent == response.count - 1 else {
                read(.either)
                return
            }
            // The READ before the last stays parked, so that the last one finds IDLE however late it comes.
            park(.data, now)
            show(.read, with: response[sent])
            sent += 1
            phase = .lastByte
        case .idle where rest == .awaitingLastRead:
            // READ, for a host reads the dummy that came with IDLE only after it; or GET_STATUS/ABORT with the 00 behind it,
            // of a host that began to recover, and read the dummy on the way. That takes it longer.
            let isDoubtful = !outputFull && now &- progressAt >= timings.look
            park(.data, now)
            rest = .armed
            uncertain = isDoubtful
        case .idle, .waiting, .withheld: letGo(.either)
        case .error, .lastByte, .abort2: park(.data, now)
        }
    }

    private mutating func requestDataArrived(_ now: UInt64) {
        if outputFull && !ignoresOutput {
            park(.data, now)
            return
        }
        let wasEmpty = !guessed
        switch lengths.next(after: request.count, of: request) {
        case .data: park(.data, now)
        case .writeEnd:
            // It cannot be a data byte, so WRITE_END is parked and the last byte is in IDR.
            park(.command, now)
            expected = .writeEnd
            dataBehindCommand()
            return
        case .unknown:
            if wasEmpty, now &- progressAt >= timings.unclean {
                letGo(.either)
                return
            }
            park(.data, now)
            if wasEmpty {
                // Data alone, or with data behind it, or WRITE_END with the last byte behind it. A fresh dummy tells:
                // only in the first case can the host still read it.
                uncertain = true
                showWithDummy(.write)
                return
            }
        }
        if !outputFull { (fellAt, looksSinceFall) = (now, 0) }
    }

    // MARK: A data byte is parked

    private mutating func dataHeld(_ now: UInt64) {
        if phase != .idle { outputFell(now) }
        switch phase {
        case .writeStart, .writeData: requestDataHeld(now)
        case .lastByte, .abort2:
            if !outputFull {
                if now &- progressAt >= timings.abandon / 2 { evidence.hostStoodStill() }
                show(.idle, with: 0)
                read(.data)
            } else if now &- progressAt >= timings.abandon {
                evidence.hostStoodStill()
                becomeUnarmed()
                discards = true
                read(.data)
            }
        case .error:
            guard now &- progressAt >= timings.unclean else { break }
            // A host that stands still for so long has written GET_STATUS/ABORT and the 00 behind it, and waits.
            showReadWithoutOutput()
            read(.either)
        case .writeEnd: read(.data)
        case .idle: restHeld(now)
        case .waiting, .withheld, .reading, .abort1: break
        }
    }

    /// The last READ of a transfer is parked. Whoever is done reads the dummy, and writes a command next. But nothing shows a
    /// stray byte of data behind the READ, whose host, and every other one, would wait for IBF to fall for ever.
    private mutating func restHeld(_ now: UInt64) {
        if !outputFull && fellAt == nil { (fellAt, looksSinceFall) = (now, 0) }
        let isOver = fellAt.map { now &- $0 >= timings.unclean } ?? (now &- progressAt >= timings.abandon)
        guard isOver else { return }
        becomeUnarmed()
        // The last READ has done what it was for.
        discards = !uncertain
        read(uncertain ? .either : .data)
    }

    private mutating func requestDataHeld(_ now: UInt64) {
        let age = now &- progressAt
        guard let fellAt, !outputFull else {
            guard age >= (ignoresOutput && !uncertain ? settle : timings.unclean) else { return }
            evidence.release(now: now)
            if !uncertain { return guess(.data) }
            // Behind the first byte of a request there is mostly WRITE_END.
            if request.count == 1 { showReadWithoutOutput() } else { showWithDummy(.write) }
            read(.either)
            return
        }
        let since = now &- fellAt
        switch lengths.next(after: request.count + 1, of: request) {
        case .data: guess(.data)
        case .writeEnd: if since >= timings.abandon { guess(.data) }
        case .unknown: if since >= settle && looksSinceFall >= Self.settledLooks { guess(.data) }
        }
    }

    /// Notes that OBF fell: the host has read the dummy, so it was not behind a closed gate then.
    private mutating func outputFell(_ now: UInt64) {
        if outputFull { return }
        if fellAt != nil {
            looksSinceFall = min(looksSinceFall + 1, Self.settledLooks)
            return
        }
        fellAt = now
        looksSinceFall = 0
        uncertain = false
    }

    /// So many looks find OBF clear before a byte is taken to be behind: a machine that was called late, and so may have kept
    /// the host from its processor, guesses no sooner.
    private static let settledLooks = 3

    var settle: UInt64 { request.count < 2 ? timings.settleFirst : timings.settleLater }

    // MARK: A command is parked

    private mutating func dataBehindCommand() {
        switch expected {
        case .writeStart:
            // Where the command was held the dummy may have come behind the host's last look at OBF.
            ignoresOutput = outputFull && !holdsStart
            showWithDummy(.write)
        case .writeEnd, .abort: showReadWithoutOutput()
        }
        read(.command)
    }

    private mutating func commandHeld(_ now: UInt64) {
        let age = now &- progressAt
        outputFell(now)
        guard let fellAt, !outputFull else {
            if holdsStart {
                startHeld(age, now)
            } else if uncertain {
                guard age >= timings.unclean else { return }
                evidence.release(now: now)
                letGo(.either)
            } else if age >= (expected == .writeStart ? timings.unclean : timings.abandon) {
                letGo(.command)
            }
            return
        }
        // The host has read the dummy behind WRITE_END: its last byte is next, and has to find READ.
        if now &- fellAt >= (expected == .writeEnd ? timings.abandon : timings.unclean) { letGo(.command) }
    }

    private var holdsStart: Bool { phase == .idle && rest == .startHeld }

    /// Nobody has read the dummy behind a WRITE_START.
    private mutating func startHeld(_ age: UInt64, _ now: UInt64) {
        if age >= (hostsLeave ? timings.keepsStart : timings.keepsStartBriefly) {
            // Its host may wait behind it, with GET_STATUS/ABORT; or a stray byte of data is parked. What is behind tells whether
            // to keep the next one.
            evidence.release(now: now)
            startLetGo = true
            letGo(.either)
        } else if age >= timings.unclean, shown == .write {
            showWithDummy(.idle)
        }
    }

    // MARK: Common

    /// Opens the gate for a byte that wants WRITE.
    private mutating func letGo(_ kind: Reading) {
        showWithDummy(.write)
        read(kind)
    }

    /// Opens the gate although nothing proves that a byte is behind it.
    private mutating func guess(_ kind: Reading) {
        letGo(kind)
        guessed = true
    }

    mutating func read(_ kind: Reading) {
        reads = true
        reading = kind
    }

    mutating func park(_ kind: Parked, _ now: UInt64) {
        parked = kind
        uncertain = false
        guessed = false
        fellAt = nil
        progressAt = now
    }
}
