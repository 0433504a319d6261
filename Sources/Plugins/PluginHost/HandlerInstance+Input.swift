// SPDX-License-Identifier: Apache-2.0
//
// Unsafe: the plugin's function pointers, called as kcs_plugin.h says.
import CKCSPlugin

/// What the host CPU and the operator bring to a handler between start and stop.
extension HandlerInstance {
    /// A byte, for input AUTO.
    public func deliver(_ value: UInt8, str: UInt8, now: UInt64) {
        descriptor.pointee.data.unsafelyUnwrapped(instance, value, str, now)
    }

    /// A byte is there, for input MANUAL.
    public func tellInputReady(str: UInt8, now: UInt64) {
        descriptor.pointee.input_ready.unsafelyUnwrapped(instance, str, now)
    }

    /// OBF is clear.
    public func tellOutputReady(str: UInt8, now: UInt64) { descriptor.pointee.output_ready?(instance, str, now) }

    /// A whole request, for input MESSAGES: `KCS_DECLINED`, `KCS_HANDLED`, `KCS_PENDING` or an error.
    public func offer(_ token: UInt64, _ bytes: UnsafeRawBufferPointer, now: UInt64) -> Int32 {
        guard let base = bytes.baseAddress, let message = descriptor.pointee.message else { return KCS_DECLINED }
        return message(instance, token, base.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count), now)
    }

    /// The channel was reset.
    public func tellReset(now: UInt64) { if phase == .started { descriptor.pointee.reset?(instance, now) } }

    /// Collects its figures.
    public func collectStats(number: (Figure) -> Void, text: (String, String) -> Void) {
        guard phase == .started, let stats = descriptor.pointee.stats else { return }
        withoutActuallyEscaping(number) { number in
            withoutActuallyEscaping(text) { text in
                let sink = StatsSink(number, text)
                var record = kcs_stats(
                    size: UInt32(MemoryLayout<kcs_stats>.size), reserved: 0,
                    ctx: Unmanaged.passUnretained(sink).toOpaque(),
                    number: { context, name, value in
                        Unmanaged<StatsSink>.fromOpaque(context!)._withUnsafeGuaranteedRef {
                            $0.number(Figure(String(cString: name), value))
                        }
                    },
                    text: { context, name, value in
                        Unmanaged<StatsSink>.fromOpaque(context!)._withUnsafeGuaranteedRef {
                            $0.text(String(cString: name), String(cString: value))
                        }
                    },
                    figure: { context, name, kind, unit, value in
                        Unmanaged<StatsSink>.fromOpaque(context!)._withUnsafeGuaranteedRef {
                            let unit = unit.map { String(cString: $0) } ?? ""
                            $0.number(Figure(String(cString: name), value, Figure.Kind(rawValue: kind), unit))
                        }
                    })
                withExtendedLifetime(sink) { stats(instance, &record) }
            }
        }
    }
}

private final class StatsSink {
    let number: (Figure) -> Void
    let text: (String, String) -> Void
    init(_ number: @escaping (Figure) -> Void, _ text: @escaping (String, String) -> Void) {
        self.number = number
        self.text = text
    }
}
