// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the C entry points of a handler. An instance is a retained reference that kcsmuxd carries as an opaque pointer;
// each call borrows it without reference counting.
import CKCSPlugin

/// A plugin's description, made once and kept for the life of the process. Its entry returns `descriptor`.
///
/// Sendable because it never changes.
public final class Plugin: @unchecked Sendable {
    /// What `kcs_plugin_entry` returns.
    public let descriptor: UnsafePointer<kcs_plugin>
    private let options: UnsafePointer<kcs_option>

    /// Describes a plugin.
    ///
    /// `create` and `check` are C functions of the plugin's own, because a C function cannot capture: pass closures that
    /// call this plugin's `create` and `check`, by the name of the constant in which it is kept. `name`, `version` and
    /// `summary` are for people; a name is [a-z][a-z0-9-]*, as in libkcs-NAME.so.
    public init(
        name: StaticString, version: StaticString, summary: StaticString, inputs: [Input],
        needs: Capabilities = [], options: [OptionDeclaration] = [], requests: [kcs_request_length] = [],
        commands: [kcs_command] = [],
        check: (@convention(c) (UnsafePointer<kcs_value>, UnsafePointer<kcs_report>) -> Void)? = nil,
        create:
            @convention(c) (
                UnsafePointer<kcs_host>, OpaquePointer, UnsafePointer<kcs_value>,
                UnsafeMutablePointer<UnsafeMutableRawPointer?>
            ) -> Int32
    ) {
        let root = OptionDeclaration.root(options)
        let descriptor = UnsafeMutablePointer<kcs_plugin>.allocate(capacity: 1)
        descriptor.initialize(
            to: kcs_plugin(
                size: UInt32(MemoryLayout<kcs_plugin>.size), abi: UInt32(KCS_ABI_MAJOR << 16 | KCS_ABI_MINOR),
                abi_needed: 0, inputs: inputs.reduce(0) { $0 | 1 << UInt32($1.rawValue & 0xFF) }, needs: needs.rawValue,
                option_size: UInt32(MemoryLayout<kcs_option>.stride), name: cString(name), version: cString(version),
                summary: cString(summary), options: root.pointee.children,
                option_count: UInt64(options.count), requests: table(requests),
                request_count: UInt64(requests.count), check: check, create: create,
                start: { instance, info in start(handler(instance), StartInfo(info.pointee)) },
                stop: { instance, reason in handler(instance).stop(Reason(rawValue: reason)) },
                destroy: { instance in
                    handler(instance).calls.dropAll()
                    Unmanaged<Handler>.fromOpaque(instance!).release()
                },
                data: { instance, value, str, now in handler(instance).data(value, str: STR(rawValue: str), now: now) },
                input_ready: { instance, str, now in handler(instance).inputReady(str: STR(rawValue: str), now: now) },
                output_ready: { instance, str, now in
                    handler(instance).outputReady(str: STR(rawValue: str), now: now)
                },
                message: { instance, token, bytes, count, now in
                    let message = UnsafeRawBufferPointer(start: bytes, count: Int(clamping: count))
                    return handler(instance).message(token, message, now: now).rawValue
                },
                reset: { instance, now in handler(instance).reset(now: now) },
                stats: { instance, stats in handler(instance).stats(Stats(pointer: stats)) },
                commands: table(commands), command_count: UInt64(commands.count)))
        self.descriptor = UnsafePointer(descriptor)
        self.options = root
    }

    /// The body of the plugin's `create`: makes an instance from kcsmuxd's table, its channel and its options.
    public func create(
        _ host: UnsafePointer<kcs_host>, _ channel: OpaquePointer, _ options: UnsafePointer<kcs_value>,
        _ instance: UnsafeMutablePointer<UnsafeMutableRawPointer?>,
        _ make: (Host, OptionValue) throws(HandlerError) -> Handler
    ) -> Int32 {
        let host = Host(table: host, channel: channel)
        do {
            let handler = try make(host, OptionValue(options, self.options, .host(host)))
            instance.pointee = Unmanaged.passRetained(handler).toOpaque()
            return KCS_OK
        } catch {
            host.log(.error, error.text)
            return KCS_E_FAILED
        }
    }

    /// The body of the plugin's `check`: examines options without making an instance.
    public func check(
        _ options: UnsafePointer<kcs_value>, _ report: UnsafePointer<kcs_report>,
        _ examine: (OptionValue, OptionReport) -> Void
    ) {
        let report = OptionReport(pointer: report)
        examine(OptionValue(options, self.options, .report(report)), report)
    }
}

/// A copy for the life of the process; nil if there is nothing to copy.
private func table<Element>(_ elements: [Element]) -> UnsafePointer<Element>? {
    guard !elements.isEmpty else { return nil }
    let table = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
    for (index, element) in elements.enumerated() { (table + index).initialize(to: element) }
    return UnsafePointer(table)
}

private func start(_ handler: Handler, _ info: StartInfo) -> Int32 {
    do {
        return try handler.start(info).rawValue
    } catch {
        handler.host.log(.error, error.text)
        return KCS_E_FAILED
    }
}

@inline(__always)
private func handler(_ instance: UnsafeMutableRawPointer?) -> Handler { Borrowed(context: instance).object }
