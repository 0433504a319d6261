// SPDX-License-Identifier: Apache-2.0
//
// What a channel is while its device is open: handlers, and the service between them and the device.
import CKCSPlugin
import Capture
import DaemonConfiguration
import Devices
import Events
import LinuxIO
import PluginHost
import Schema

extension Channel {
    /// Makes and starts the handlers on an open device, and begins to listen. The answer is what went wrong.
    func serve(_ device: OpenDevice) -> String? {
        self.device = device
        let time = context.recordTime
        recorder?.deviceOpened(stale: UInt8(device.stale.count), at: time)
        for byte in device.stale { recorder?.idrRead(byte.value, str: byte.str, stale: true, at: time) }
        context.counters.stale += UInt64(device.stale.count)
        return createHandlers(device) ?? startHandlers(device) ?? listen(device) ?? context.failure
    }

    private func createHandlers(_ device: OpenDevice) -> String? {
        let window = sharedWindow(device)
        for (index, plan) in plan.handlers.enumerated() {
            let handler = ChannelHandler(plan, index: index, context, window: window)
            guard handler.calling(.create, { handler.create() }) else {
                return context.failure ?? "plugin \(plan.plugin.name) refused to be created"
            }
            handlers.append(handler)
            if let failure = context.failure { return failure }
        }
        // Registers work from start on; who may use them depends on what it answers.
        if handlers.count == 1, let bytes = byteService(device, handlers[0]) { handlers[0].service = .bytes(bytes) }
        return nil
    }

    private func startHandlers(_ device: OpenDevice) -> String? {
        let stateFolder = "\(services.stateDirectory)/\(name)"
        let capabilities = device.capabilities.rawValue & (sharedWindow(device) == nil ? ~UInt32(KCS_CAP_WINDOW) : ~0)
        for handler in handlers {
            let answer = handler.calling(.start) {
                handler.start(
                    capabilities: capabilities, reason: startReason, staleBytes: device.stale.count, channel: name,
                    stateFolder: stateFolder)
            }
            let plugin = handler.plugin.name
            if let failure = context.failure { return failure }
            if answer < 0 { return "plugin \(plugin) refused to start (error \(answer))" }
            guard let (input, wantsIdle) = handler.input(answer) else {
                return "plugin \(plugin) started with input \(answer), which it did not declare"
            }
            guard Self.gives(device.capabilities, input: input) else {
                let wanted = input == KCS_INPUT_MESSAGES ? "messages" : "bytes"
                return "plugin \(plugin) wants \(wanted), which \(plan.device.kind.name) does not give"
            }
            (handler.input, handler.wantsIdle) = (input, wantsIdle)
            recorder?.handlerStarted(
                index: UInt8(truncatingIfNeeded: handler.index), reason: UInt8(startReason), at: context.recordTime)
        }
        return nil
    }

    private static func gives(_ capabilities: DeviceCapabilities, input: Int32) -> Bool {
        switch input {
        case KCS_INPUT_NONE: return true
        case KCS_INPUT_MESSAGES: return capabilities.contains(.messages)
        default: return capabilities.contains(.dataIn)
        }
    }

    private func listen(_ device: OpenDevice) -> String? {
        let active = handlers.filter { $0.input != KCS_INPUT_NONE }
        do throws(SystemError) {
            if active.isEmpty {
                for handler in handlers { handler.service = .none }
            } else if active.allSatisfy({ $0.input == KCS_INPUT_MESSAGES }) {
                let messages = messageService(device, active)
                service = .messages(messages)
                for handler in active { handler.service = service }
                try messages.begin()
            } else if active.count == 1, let bytes = byteService(device, active[0]) {
                service = .bytes(bytes)
                active[0].service = service
                try bytes.begin(manually: active[0].input == KCS_INPUT_MANUAL)
            } else {
                return "a handler of bytes owns its channel alone, and there are \(active.count) handlers"
            }
            return nil
        } catch { return error.description }
    }

    /// The service that the handler has already, or a new one; nil where the device gives no bytes.
    private func byteService(_ device: OpenDevice, _ handler: ChannelHandler) -> ByteService? {
        if case .bytes(let service) = handler.service { return service }
        switch device {
        case .registers(let registers): return ByteService(context, handler, registers, registers)
        case .bytes(let bytes): return ByteService(context, handler, bytes, nil)
        case .messages: return nil
        }
    }

    private func messageService(_ device: OpenDevice, _ handlers: [ChannelHandler]) -> MessageService {
        let carrier: MessageCarrier
        switch device {
        case .registers(let registers):
            let wantsIdle = handlers.contains { $0.wantsIdle }
            carrier = TransferCarrier(context, registers, plan, wantsIdle: wantsIdle)
        case .messages(let messages):
            carrier = KernelCarrier(messages, timeout: plan.configuration.transfer.timeout.nanoseconds)
        case .bytes: preconditionFailure("a device of bytes alone gives no messages")
        }
        // One by one: Embedded Swift does not cast arrays.
        let all = handlers.map { handler -> HandlerInstance in handler }
        let attentive = handlers.filter { $0.earlyAttention }.map { handler -> HandlerInstance in handler }
        return MessageService(context, all, attentive: attentive, carrier)
    }

    /// The memory shared with the host CPU, and what keeps it mapped.
    private func sharedWindow(_ device: OpenDevice) -> (memory: UnsafeMutableRawBufferPointer, owner: AnyObject)? {
        if let mappedWindow { return (mappedWindow.bytes, mappedWindow) }
        if case .registers(let registers) = device, let memory = registers.window { return (memory, registers) }
        return nil
    }

    // MARK: Closing

    /// Takes the handlers off and closes the device, which is left so that the host CPU finds a defined state.
    func close(reason: UInt32) {
        let wasElsewhere = isIsolated
        endProcess(reason: reason)
        if case .messages(let messages) = service {
            messages.end()
            pastTransfers = transferCounters
        }
        // A handler of bytes may leave the registers as its protocol wants them: they work until its stop has returned.
        for handler in handlers {
            recorder?.handlerStopped(index: UInt8(truncatingIfNeeded: handler.index), at: context.recordTime)
            handler.leave(reason: reason)
        }
        if case .bytes(let bytes) = service { bytes.end() }
        handlers = []
        service = .none
        if let device {
            if wasElsewhere && reason == UInt32(KCS_REASON_CRASH) {
                keep(device)
            } else {
                release(device)
                recorder?.deviceClosed(at: context.recordTime)
            }
        }
        device = nil
        mappedWindow = nil
        context.forgetFailure()
    }

    /// Closes a device. What is drained may not be there, whatever the device says: the watchdog ends a call that sleeps.
    func release(_ device: OpenDevice) {
        context.activity.enterDevice()
        defer { context.activity.leaveDevice() }
        device.close()
    }
}
