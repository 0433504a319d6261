// SPDX-License-Identifier: Apache-2.0
//
// The folder that is a device: `registers`, the doorbells `irq-bmc` and `irq-host`, `window`, and `lock`. Either side
// makes what is missing. Only `registers` has contents that matter, so it alone is made under another name and linked in
// place: the first of several creators wins, and nobody sees half a file.
import CLinux
import LinuxIO

/// Makes and finds simulated devices.
public enum DeviceDirectory {
    /// Makes a device, its folder too. False: there was one already, which stays as it is.
    public static func create(_ directory: String, _ settings: DeviceSettings = .init()) throws(SystemError) -> Bool {
        try Syscalls.makeFolders(directory)
        let path = directory + "/registers"
        let temporary = "\(directory)/.registers-\(CurrentProcess.identifier)-\(CurrentThread.identifier)"
        // A namesake is left over from a creator that was killed: no living thread has this number too.
        try? Syscalls.unlink(temporary)
        do {
            let file = try Syscalls.open(temporary, O_RDWR | O_CREAT | O_EXCL, mode: 0o660)
            let contents = RegisterFile.initialContents(settings)
            let written = contents.withUnsafeBytes { Syscalls.writeAll(file.raw, $0) }
            if case .failure(let errno) = written { throw SystemError(errno, "write", temporary) }
        }
        defer { try? Syscalls.unlink(temporary) }
        do throws(SystemError) { try Syscalls.link(temporary, to: path) } catch {
            guard error.errno == .exists else { throw error }
            return false
        }
        return true
    }

    /// What an existing device was made with; nil when the folder holds none.
    public static func settings(of directory: String) throws(SystemError) -> DeviceSettings? {
        let path = directory + "/registers"
        do {
            let file = try Syscalls.open(path, O_RDWR)
            return try RegisterFile.map(file.raw, path: path).settings
        } catch {
            if error.errno == .noSuchFile { return nil }
            throw error
        }
    }

    /// The process that has the BMC's side open, if one has; 0 when it has not said who it is yet.
    public static func owner(of directory: String) -> Int32? {
        guard let file = try? Syscalls.open(directory + "/lock", O_RDWR), FileLock.isHeld(file.raw) == true else {
            return nil
        }
        var digits = [UInt8](repeating: 0, count: 12)
        guard case .success(let count) = digits.withUnsafeMutableBytes({ Syscalls.read(file.raw, into: $0) }) else {
            return 0
        }
        return Int32(String(decoding: digits[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)) ?? 0
    }

    /// Opens the registers, of a new device if there was none.
    static func openRegisters(_ directory: String, _ settings: DeviceSettings) throws(SystemError) -> RegisterFile {
        let path = directory + "/registers"
        do {
            let file = try Syscalls.open(path, O_RDWR)
            return try RegisterFile.map(file.raw, path: path)
        } catch { if error.errno != .noSuchFile { throw error } }
        _ = try create(directory, settings)
        let file = try Syscalls.open(path, O_RDWR)
        return try RegisterFile.map(file.raw, path: path)
    }

    /// Opens a doorbell, for both directions: so neither side is told that the other went away, and what was rung
    /// stays rung.
    static func openDoorbell(_ directory: String, _ name: String) throws(SystemError) -> FileDescriptor {
        let path = "\(directory)/\(name)"
        do throws(SystemError) { try Syscalls.makePipe(path, mode: 0o660) } catch {
            if error.errno != .exists { throw error }
        }
        return try Syscalls.open(path, O_RDWR | O_NONBLOCK)
    }

    /// Maps the window, as long as the registers say. A hole until it is written.
    static func openWindow(_ directory: String, size: Int) throws(SystemError) -> SharedWindow? {
        if size == 0 { return nil }
        let path = directory + "/window"
        let file = try Syscalls.open(path, O_RDWR | O_CREAT, mode: 0o660)
        if try Syscalls.status(of: file.raw).size < size {
            try Syscalls.truncate(file.raw, to: Int64(size)).get("ftruncate", path)
        }
        return SharedWindow(try MemoryMap(shared: file.raw, length: size))
    }

    /// The lock's file. Its holder is the BMC's side.
    static func openLock(_ directory: String) throws(SystemError) -> FileDescriptor {
        try Syscalls.open(directory + "/lock", O_RDWR | O_CREAT, mode: 0o660)
    }
}

/// The mapped file `window`.
final class SharedWindow {
    private let map: MemoryMap

    init(_ map: consuming MemoryMap) { self.map = map }

    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: map.base, count: map.length) }
}

/// A doorbell's two ends. What is rung is a count of bytes without meaning.
enum Doorbell {
    /// Makes the other side's descriptor readable. A full pipe is rung enough.
    @inline(__always)
    static func ring(_ descriptor: Int32) {
        var byte: UInt8 = 0
        _ = withUnsafeBytes(of: &byte) { Syscalls.write(descriptor, $0) }
    }

    /// Takes what was rung.
    @inline(__always)
    static func drain(_ descriptor: Int32, _ scratch: UnsafeMutableRawBufferPointer) {
        // One call is enough unless the pipe held more than the buffer, and then the rest is taken the next time.
        _ = Syscalls.read(descriptor, into: scratch)
    }
}
