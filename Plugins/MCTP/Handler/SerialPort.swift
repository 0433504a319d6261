// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import MCTP
import MCTPMux
import PluginKit

/// A terminal with DSP0253 frames: on its other end the kernel has the line discipline N_MCTP.
final class SerialPort: UplinkReader {
    /// Bytes that wait for the terminal at most.
    private static let capacity = 16 * SerialFrame.longestFrame

    let descriptor: Int32
    private let isOurs: Bool
    private let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: SerialFrame.longestFrame, alignment: 8)
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 8)
    private var unread = 0..<0
    private var unwritten: [UInt8] = []
    private var decoder = SerialDecoder()
    var watch: HandlerWatch?
    private var isReading = true

    /// Frames that were damaged.
    var damaged: UInt64 { decoder.damaged }

    /// Takes over the descriptor of a terminal; it is closed at the end if it `isOurs`.
    init(_ descriptor: Int32, isOurs: Bool) {
        self.descriptor = descriptor
        self.isOurs = isOurs
        unwritten.reserveCapacity(Self.capacity)
    }

    deinit {
        if isOurs { Syscalls.close(descriptor) }
        frame.deallocate()
        input.deallocate()
    }

    /// Opens a terminal, which hands on bytes as they are.
    static func open(_ path: String) throws(HandlerError) -> Int32 {
        do throws(SystemError) {
            let device = try Syscalls.open(path, Int32(O_RDWR) | Int32(O_NONBLOCK) | Int32(O_NOCTTY))
            var settings = termios()
            guard tcgetattr(device.raw, &settings) == 0 else { throw SystemError(Errno.current, "tcgetattr") }
            cfmakeraw(&settings)
            guard tcsetattr(device.raw, TCSANOW, &settings) == 0 else { throw SystemError(Errno.current, "tcsetattr") }
            return device.release()
        } catch {
            throw HandlerError("uplink: terminal \(path): \(error.errno.description)")
        }
    }

    func read(_ uplink: Uplink, now: UInt64) -> UplinkProgress {
        var progress = UplinkProgress.nothing
        while uplink.hasRoom {
            if unread.isEmpty {
                switch Syscalls.read(descriptor, into: input) {
                case .failure(.wouldBlock): return progress
                case .failure(let errno): return .failed("its terminal: \(errno.description)")
                case .success(0): return .failed("its terminal was closed")
                case .success(let count): unread = 0..<count
                }
            }
            while uplink.hasRoom, let next = unread.first {
                unread = next + 1..<unread.upperBound
                guard decoder.add(input[next]) else { continue }
                decoder.packet.withUnsafeBytes { uplink.kernelSent($0, now: now) }
                progress = .read
            }
        }
        return progress
    }

    func send(_ packet: UnsafeRawBufferPointer) -> Bool {
        guard packet.count <= SerialFrame.longestPacket,
            unwritten.count + SerialFrame.longestFrame <= Self.capacity
        else { return false }
        let count = SerialFrame.encode(packet, seed: decoder.seed, into: frame)
        unwritten.append(contentsOf: frame[..<count])
        write()
        return true
    }

    /// Writes what the terminal takes, and wants to be told when it takes more.
    func write() {
        let outcome = unwritten.withUnsafeBytes { Syscalls.write(descriptor, $0) }
        if case .success(let count) = outcome { unwritten.removeFirst(count) }
        updateWatch()
    }

    func setReading(_ on: Bool) {
        isReading = on
        updateWatch()
    }

    /// A terminal has none that could be set.
    func setCarrier(_ on: Bool) {}

    private func updateWatch() {
        var events: WatchEvents = isReading ? .read : []
        if !unwritten.isEmpty { events.insert(.write) }
        watch?.set(events)
    }
}
