// SPDX-License-Identifier: Apache-2.0
//
// The way of a byte through the daemon, the same for every device and always the same: the loop tells that the device is
// ready, the byte is taken from IDR and given to the handler, and what the handler answers is written to ODR. Nothing here
// allocates, locks or logs, and a byte costs three calls of the system: the wait, the read and the write.
import CKCSPlugin
import Capture
import Common
import Devices
import Events
import LinuxIO
import PluginHost

/// A handler of bytes on its device: who owns a channel alone.
final class ByteService: EventSource {
    /// How the host CPU's bytes reach the handler.
    private enum Input {
        /// They stay where they are: the handler does not run yet, or not any more.
        case off
        /// Each is read and given to it.
        case automatic
        /// As `automatic`, but they stay in IDR until OBF is clear.
        case held
        /// It is told, and reads when it wants.
        case manual
        /// It was told, and has not read.
        case announced
    }

    /// What the handler waits for with a byte of its own. Times are CLOCK_MONOTONIC in nanoseconds.
    private enum Output {
        case unwanted
        /// It asked to be told when OBF is clear.
        case awaited(since: UInt64)
        /// As that, and the host CPU has left its byte in ODR for so long that it was noted.
        case stalled(since: UInt64)

        var isAwaited: Bool { if case .unwanted = self { false } else { true } }
    }

    let context: ChannelContext
    /// The channel's, which are the same for as long as this service lives.
    let activity: Activity
    let recorder: Recorder?
    private let handler: HandlerInstance
    private let device: any ByteDevice
    /// The device's registers; nil where it only gives bytes.
    let registers: RegisterDevice?
    private var input = Input.off
    private var output = Output.unwanted
    private var interest: Readiness = []
    private var looks = OutputLooks()
    private lazy var outputTimer = { [service = Borrowed(self)] in CallTimer { service.object.checkOutput($0) } }()

    /// A service that does not listen yet. Registers work from now on.
    init(_ context: ChannelContext, _ handler: HandlerInstance, _ device: any ByteDevice, _ registers: RegisterDevice?)
    {
        self.context = context
        activity = context.activity
        recorder = context.recorder
        self.handler = handler
        self.device = device
        self.registers = registers
        super.init()
    }

    /// Listens, for a handler that chose `KCS_INPUT_AUTO` or `KCS_INPUT_MANUAL`.
    func begin(manually: Bool) throws(SystemError) {
        // It may have asked for output, and its input to be held, while it was being started.
        if manually { input = .manual } else if case .off = input { input = .automatic }
        interest = wantedInterest
        try context.loop.add(self, descriptor: device.descriptor, interest: interest)
    }

    /// Listens no more. Registers work for as long as the device does.
    func end() {
        context.loop.remove(self)
        context.loop.cancel(outputTimer)
        (input, output, interest) = (.off, .unwanted, [])
    }

    // MARK: Input

    override func ready(_ readiness: Readiness, now: UInt64) {
        let events = device.events(DeviceEvents(readiness), awaitingOutput: output.isAwaited)
        if events.contains(.trouble) { return context.deviceFailed(.inputOutput) }
        if events.contains(.output) && output.isAwaited { offerOutput(now, byLook: false) }
        guard events.contains(.input), context.failure == nil else { return }
        switch input {
        case .automatic: takeByte(now)
        case .manual: announceByte(now)
        case .off, .held, .announced: break
        }
    }

    private func takeByte(_ now: UInt64) {
        guard case .success(let byte?) = receive() else { return }
        context.enter(.data)
        handler.deliver(byte.value, str: byte.str, now: now)
        context.leave(.data, plugin: handler.plugin.name)
    }

    private func announceByte(_ now: UInt64) {
        input = .announced
        listen()
        guard case .success(let str) = registers.map(readSTR) ?? .success(0) else { return }
        context.enter(.inputReady)
        handler.tellInputReady(str: str, now: now)
        context.leave(.inputReady, plugin: handler.plugin.name)
    }

    private func receive() -> Result<HostByte?, Errno> {
        do throws(Errno) {
            activity.enterDevice()
            defer { activity.leaveDevice() }
            guard let byte = try device.receive() else { return .success(nil) }
            context.counters.bytesIn &+= 1
            recorder?.idrRead(byte.value, str: byte.str, at: context.recordTime)
            if context.log.writes(.trace) { context.trace(in: byte) }
            return .success(byte)
        } catch {
            context.deviceFailed(error)
            return .failure(error)
        }
    }

    /// `read_idr`
    func readIDR() -> (status: Int32, value: UInt8, str: UInt8) {
        switch input {
        case .manual: return (KCS_E_EMPTY, 0, 0)
        case .announced: break
        case .off, .automatic, .held: return (KCS_E_UNAVAILABLE, 0, 0)
        }
        let received = receive()
        input = .manual
        listen()
        switch received {
        case .success(let byte?): return (KCS_OK, byte.value, byte.str)
        case .success(nil): return (KCS_E_EMPTY, 0, 0)
        case .failure: return (KCS_E_IO, 0, 0)
        }
    }

    private var wantedInterest: Readiness {
        let takesInput =
            switch input {
            case .automatic, .manual: true
            case .off, .held, .announced: false
            }
        return Readiness(device.interest(input: takesInput, output: output.isAwaited))
    }

    private func listen() {
        guard isRegistered else { return }
        let wanted = wantedInterest
        guard wanted != interest else { return }
        interest = wanted
        context.loop.update(self, interest: wanted)
    }

    // MARK: Waiting for OBF

    /// A byte that the host CPU leaves in ODR for so long, while another waits, is a stall.
    private static let stall: UInt64 = 1_000_000_000

    /// `want_output`
    func wantOutput(_ wish: UInt32) -> Int32 {
        guard registers != nil else { return KCS_E_UNAVAILABLE }
        switch wish {
        case UInt32(KCS_OUTPUT_NO):
            if output.isAwaited { endOutputWait() }
            return KCS_OK
        case UInt32(KCS_OUTPUT_HOLD): hold()
        default: if case .held = input { input = .automatic }
        }
        if !output.isAwaited {
            output = .awaited(since: context.loop.now)
            context.loop.set(outputTimer, deadline: context.loop.now + looks.pause(after: 0))
        }
        // The handler is told in a later turn, for no callback is made from inside a host call.
        listen()
        return KCS_OK
    }

    private func hold() {
        switch input {
        case .off, .automatic, .held: input = .held
        case .manual, .announced: break
        }
    }

    private func offerOutput(_ now: UInt64, byLook: Bool) {
        do throws(Errno) {
            guard let registers, try registers.isOutputClear() else { return }
            looks.ended(byLook: byLook)
            endOutputWait()
            context.enter(.outputReady)
            handler.tellOutputReady(str: registers.lastSTR, now: now)
            context.leave(.outputReady, plugin: handler.plugin.name)
        } catch { context.deviceFailed(error) }
    }

    private func endOutputWait() {
        if case .stalled = output, let registers {
            recorder?.obfStallEnded(str: registers.lastSTR, at: context.recordTime)
        }
        output = .unwanted
        if case .held = input { input = .automatic }
        context.loop.cancel(outputTimer)
        listen()
    }

    /// The timer beside the readiness.
    private func checkOutput(_ now: UInt64) {
        guard context.failure == nil, let registers else { return }
        let began: UInt64
        switch output {
        case .unwanted: return
        case .awaited(let since):
            began = since
            if now &- since > Self.stall {
                output = .stalled(since: since)
                context.counters.obfStalls += 1
                recorder?.obfStallBegan(str: registers.lastSTR, at: context.recordTime)
            }
        case .stalled(let since): began = since
        }
        context.loop.set(outputTimer, deadline: now + looks.pause(after: now &- began))
        offerOutput(now, byLook: true)
    }
}

extension Readiness {
    /// What a device's descriptor is waited on for.
    init(_ events: DeviceEvents) {
        self = []
        if events.contains(.input) { insert(.input) }
        if events.contains(.output) { insert(.output) }
    }
}

extension DeviceEvents {
    /// What the loop tells of a device's descriptor.
    init(_ readiness: Readiness) {
        self = []
        if readiness.contains(.input) { insert(.input) }
        if readiness.contains(.output) { insert(.output) }
        if !readiness.isDisjoint(with: .trouble) { insert(.trouble) }
    }
}
