// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO
import MCTPMux
import PluginKit

/// A TUN interface: whole packets, each with the four bytes of struct tun_pi in front, whose protocol is ETH_P_MCTP. The kernel
/// registers such an interface, of type ARPHRD_NONE, with its MCTP stack.
final class TunPort: UplinkReader {
    private static let overhead = 4
    private static let etherType: (UInt8, UInt8) = (0x00, 0xFA)

    let descriptor: Int32
    private let isOurs: Bool
    private let buffer: UnsafeMutableRawBufferPointer
    var watch: HandlerWatch?
    /// Packets of other protocols, as IPv6 sends where it is not switched off.
    private(set) var damaged: UInt64 = 0

    /// Takes over the descriptor of an interface that is attached; it is closed at the end if it `isOurs`.
    init(_ descriptor: Int32, isOurs: Bool, longestPacket: Int) {
        self.descriptor = descriptor
        self.isOurs = isOurs
        // One byte more, by which a packet that is too long is known.
        buffer = .allocate(byteCount: Self.overhead + longestPacket + 1, alignment: 8)
    }

    deinit {
        if isOurs { Syscalls.close(descriptor) }
        buffer.deallocate()
    }

    /// Attaches to an interface, which somebody with the privilege has made for this user, and which stays when we go.
    static func open(_ name: String) throws(HandlerError) -> Int32 {
        do throws(SystemError) {
            let device = try Syscalls.open("/dev/net/tun", Int32(O_RDWR) | Int32(O_NONBLOCK))
            let outcome = name.withCString { cl_tun_attach(device.raw, $0) }
            if outcome < 0 { throw SystemError(Errno.current, "TUNSETIFF") }
            return device.release()
        } catch {
            throw HandlerError("uplink: interface \(name): \(error.errno.description)")
        }
    }

    func read(_ uplink: Uplink, now: UInt64) -> UplinkProgress {
        var progress = UplinkProgress.nothing
        while uplink.hasRoom {
            switch Syscalls.read(descriptor, into: buffer) {
            case .failure(.wouldBlock): return progress
            // The interface is down, and may come up.
            case .failure(let errno) where errno == .inputOutput: return progress
            case .failure(let errno): return .failed("its interface: \(errno.description)")
            case .success(let count):
                guard count > Self.overhead, (buffer[2], buffer[3]) == Self.etherType else {
                    damaged &+= 1
                    continue
                }
                uplink.kernelSent(UnsafeRawBufferPointer(rebasing: buffer[Self.overhead..<count]), now: now)
                progress = .read
            }
        }
        return progress
    }

    func send(_ packet: UnsafeRawBufferPointer) -> Bool {
        let whole = Self.overhead + packet.count
        guard whole <= buffer.count else { return false }
        buffer.storeBytes(of: 0, as: UInt16.self)
        (buffer[2], buffer[3]) = Self.etherType
        UnsafeMutableRawBufferPointer(rebasing: buffer[Self.overhead..<whole]).copyMemory(from: packet)
        if case .success(whole) = Syscalls.write(descriptor, UnsafeRawBufferPointer(rebasing: buffer[..<whole])) {
            return true
        }
        return false
    }

    /// A packet that the interface has no room for is lost, as on any network.
    func write() {}

    func setReading(_ on: Bool) { watch?.set(on ? .read : []) }

    func setCarrier(_ on: Bool) { _ = cl_tun_carrier(descriptor, on ? 1 : 0) }
}
