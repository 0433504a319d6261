// SPDX-License-Identifier: Apache-2.0
//
// The shared memory of one simulated device. Its layout is public and fixed: SimulatedDevice.docc/Layout.md is for those who
// reach it from another language. Unsafe: all accesses are to the mapping, at the constant offsets below.
import CLinux
import DriverModel
import LinuxIO

/// Where things are in the file `registers`. Every word is little-endian.
public enum RegisterLayout {
    /// 8 bytes: "kcs-sim" and a zero.
    public static let magic = 0
    /// 32 bits: the version of this layout.
    public static let version = 8
    /// 32 bits: `Driver`'s number, as created; the state word holds it too.
    public static let driver = 12
    /// 64 bits: nanoseconds between two looks of the timer that stands in for an OBE interrupt. 0: the interrupt
    /// exists. All ones: there is neither.
    public static let obeLag = 16
    /// 64 bits: bytes of the file `window`.
    public static let windowSize = 24
    /// 64 bits: the state word.
    public static let state = 64
    /// The first of the counters, 64 bits each, in the order of `Counter`.
    public static let counters = 128
    /// Bytes of the file.
    public static let size = 4096
    /// What `version` holds.
    public static let currentVersion: UInt32 = 1
    /// What `magic` holds.
    public static let magicValue: [UInt8] = Array("kcs-sim\0".utf8)
    /// The bits of the state word that count opens: each open adds one, everybody else leaves them alone, and so no
    /// compare-and-swap made for one open succeeds under the next.
    public static let openCount: UInt64 = 0xFFFF_0000_0000_0000
    /// One open.
    public static let oneOpen: UInt64 = 0x0001_0000_0000_0000
}

/// What a device counts. Kept after the transition that it counts, so a kill may cost one.
public enum Counter: Int, CaseIterable, Sendable {
    /// Bytes that the host wrote to the data port.
    case hostDataWrites = 0
    /// Bytes that the host wrote to the command port.
    case hostCommandWrites = 1
    /// Reads of ODR by the host.
    case hostReads = 2
    /// Bytes in IDR that the host overwrote.
    case inputLost = 3
    /// Bytes that the BMC read.
    case bmcReads = 4
    /// Bytes that the BMC wrote to ODR.
    case bmcWrites = 5
    /// Writes of STR by the BMC.
    case statusWrites = 6
    /// Bytes in ODR that the BMC dropped before the host read them.
    case outputLost = 7
    /// The kernel's warnings: STR written with bit 0 clear.
    case warnings = 8
    /// Interrupts that no handler handled.
    case storms = 9
    /// Interrupts handled.
    case interrupts = 10
}

/// What a device is made with.
public struct DeviceSettings: Equatable, Sendable {
    /// The driver in front of the registers.
    public var driver: Driver
    /// See `RegisterLayout.obeLag`.
    public var obeLag: UInt64
    /// Bytes of the shared window.
    public var windowSize: Int
    /// The largest `windowSize`.
    public static let largestWindow = 1 << 30

    /// Settings; by default those of a device with an OBE interrupt. The Aspeed driver's timer would be 500 ms.
    public init(driver: Driver = .v2, obeLag: UInt64 = 0, windowSize: Int = 1 << 20) {
        precondition(windowSize >= 0 && windowSize <= Self.largestWindow, "a window has 0 bytes to 1 GiB")
        self.driver = driver
        self.obeLag = obeLag
        self.windowSize = windowSize
    }
}

/// The mapped file `registers`.
@usableFromInline
struct RegisterFile: ~Copyable {
    private let map: MemoryMap
    /// As the file says, checked.
    let settings: DeviceSettings

    private init(_ map: consuming MemoryMap, _ settings: DeviceSettings) {
        self.map = map
        self.settings = settings
    }

    /// Maps an open file, if it is one.
    static func map(_ descriptor: Int32, path: String) throws(SystemError) -> RegisterFile {
        guard try Syscalls.status(of: descriptor).size >= RegisterLayout.size else {
            throw SystemError(.invalidArgument, "find a device's registers in", path)
        }
        let map = try MemoryMap(shared: descriptor, length: RegisterLayout.size)
        let settings = try readSettings(map.base, path: path)
        return RegisterFile(map, settings)
    }

    private static func readSettings(
        _ base: UnsafeMutableRawPointer, path: String
    ) throws(SystemError) -> DeviceSettings {
        for (index, byte) in RegisterLayout.magicValue.enumerated()
        where base.load(fromByteOffset: RegisterLayout.magic + index, as: UInt8.self) != byte {
            throw SystemError(.invalidArgument, "find a device's registers in", path)
        }
        let version = UInt32(littleEndian: base.load(fromByteOffset: RegisterLayout.version, as: UInt32.self))
        guard version == RegisterLayout.currentVersion else {
            throw SystemError(.invalidArgument, "understand version \(version) of the registers in", path)
        }
        let driver = UInt32(littleEndian: base.load(fromByteOffset: RegisterLayout.driver, as: UInt32.self))
        let window = UInt64(littleEndian: base.load(fromByteOffset: RegisterLayout.windowSize, as: UInt64.self))
        guard let driver = UInt8(exactly: driver).flatMap({ Driver(rawValue: $0) }),
            window <= UInt64(DeviceSettings.largestWindow)
        else {
            throw SystemError(.invalidArgument, "understand the settings in", path)
        }
        return DeviceSettings(
            driver: driver,
            obeLag: UInt64(littleEndian: base.load(fromByteOffset: RegisterLayout.obeLag, as: UInt64.self)),
            windowSize: Int(window))
    }

    /// The contents of a new file.
    static func initialContents(_ settings: DeviceSettings) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: RegisterLayout.size)
        func put(_ value: UInt64, _ width: Int, at offset: Int) {
            for index in 0..<width { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
        }
        for (index, byte) in RegisterLayout.magicValue.enumerated() { bytes[RegisterLayout.magic + index] = byte }
        put(UInt64(RegisterLayout.currentVersion), 4, at: RegisterLayout.version)
        put(UInt64(settings.driver.rawValue), 4, at: RegisterLayout.driver)
        put(settings.obeLag, 8, at: RegisterLayout.obeLag)
        put(UInt64(settings.windowSize), 8, at: RegisterLayout.windowSize)
        put(DriverState(driver: settings.driver).rawValue, 8, at: RegisterLayout.state)
        return bytes
    }

    /// One of the file's words.
    @inline(__always)
    func word(_ offset: Int) -> UnsafeMutablePointer<UInt64> {
        (map.base + offset).assumingMemoryBound(to: UInt64.self)
    }

    /// The state word as it is, opens counted in its upper bits.
    @inline(__always)
    var rawWord: UInt64 { UInt64(littleEndian: cl_load64(word(RegisterLayout.state))) }

    /// The state.
    @inline(__always)
    var state: DriverState { DriverState(rawValue: rawWord) }

    /// Replaces the word if it still is what was seen.
    func exchange(_ seen: UInt64, for desired: UInt64) -> Bool {
        cl_compare_exchange64(word(RegisterLayout.state), seen.littleEndian, desired.littleEndian) == seen.littleEndian
    }

    /// One transition, whole: made again on the newer state when another party came between.
    @inline(__always)
    func change<Outcome>(_ transition: (inout DriverState) -> Outcome) -> Outcome {
        var seen = rawWord
        while true {
            // The count of opens stays as it is.
            var state = DriverState(preserving: seen)
            let outcome = transition(&state)
            let desired = state.rawValue
            if desired == seen { return outcome }
            let found = UInt64(
                littleEndian: cl_compare_exchange64(
                    word(RegisterLayout.state), seen.littleEndian, desired.littleEndian))
            if found == seen { return outcome }
            seen = found
        }
    }

    /// Adds one.
    @inline(__always)
    func count(_ counter: Counter) { Self.increase(word(RegisterLayout.counters) + counter.rawValue) }

    /// Adds one. Counters stay little-endian by the same exchange as the state.
    @inlinable @inline(__always)
    static func increase(_ place: UnsafeMutablePointer<UInt64>) {
        #if _endian(little)
            _ = cl_add64(place, 1)
        #else
            var seen = cl_load64(place)
            while true {
                let found = cl_compare_exchange64(place, seen, (UInt64(littleEndian: seen) &+ 1).littleEndian)
                if found == seen { return }
                seen = found
            }
        #endif
    }

    /// What was counted.
    func counted(_ counter: Counter) -> UInt64 {
        UInt64(littleEndian: cl_load64(word(RegisterLayout.counters + 8 * counter.rawValue)))
    }

    /// Counts what a transition did beside its main effect.
    @inline(__always)
    func note(_ effects: Effects) {
        if effects.contains(.woke) { count(.interrupts) }
        if effects.rawValue & ~(Effects.woke.rawValue | Effects.outputFilled.rawValue) == 0 { return }
        noteLoss(effects)
    }

    private func noteLoss(_ effects: Effects) {
        if effects.contains(.inputOverwritten) || effects.contains(.bufferOverwritten) { count(.inputLost) }
        if effects.contains(.outputLost) { count(.outputLost) }
        if effects.contains(.warned) { count(.warnings) }
        if effects.contains(.storm) { count(.storms) }
    }

    /// The interrupt, if its line is raised: true when the handler woke somebody. OBE raises the line only where the
    /// hardware has such an interrupt, or when its timer looks (`timer`).
    @inline(__always)
    func runInterrupt(timer: Bool = false) -> Bool {
        let now = state
        guard now.inputPending || (now.outputPending && (timer || settings.obeLag == 0)) else { return false }
        let effects = change { $0.interrupt() }
        note(effects)
        return effects.contains(.woke)
    }
}
