// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxIO

/// A device node of the kernel's, opened once and claimed. It stays so until it is closed, or the object goes.
final class OpenNode {
    private var file: FileDescriptor?
    private var lock: NodeLock?
    /// Of no use once it is closed.
    let descriptor: Int32

    /// Opens a node after looking whether anybody has it, and makes a device of it.
    static func open<Device>(
        _ path: String, nonBlocking: Bool = false, _ device: (OpenNode) throws(Errno) -> Device
    ) -> Result<Device, OpenFailure> {
        do {
            let status = try Syscalls.stat(path)
            guard let lock = try NodeLock.claim(status) else {
                return .failure(.busy(owner: NodeOwner.find(status) ?? "another kcsmuxd", isKernelsWord: false))
            }
            if let owner = NodeOwner.find(status) ?? NodeOwner.findSibling(path) {
                return .failure(.busy(owner: owner, isKernelsWord: false))
            }
            let node = OpenNode(try Syscalls.open(path, O_RDWR | (nonBlocking ? O_NONBLOCK : 0)), lock)
            do throws(Errno) { return .success(try device(node)) } catch {
                return .failure(.failed("its first use failed: \(error.description)"))
            }
        } catch {
            switch error.errno {
            case .noSuchFile, .noSuchDeviceOrAddress, .noDevice, .notDirectory: return .failure(.absent)
            case .busy:
                let owner = (try? Syscalls.stat(path)).flatMap { NodeOwner.find($0) } ?? NodeOwner.findSibling(path)
                return .failure(.busy(owner: owner, isKernelsWord: true))
            default: return .failure(.failed(error.description))
            }
        }
    }

    private init(_ file: consuming FileDescriptor, _ lock: NodeLock) {
        descriptor = file.raw
        self.file = consume file
        self.lock = lock
    }

    /// A node that another process opened, claimed and passed on.
    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        file = FileDescriptor(owning: descriptor)
    }

    /// Lets it go at once, whoever still holds the object.
    func close() {
        file = nil
        lock = nil
    }

    /// Is there something to read at this moment?
    var isReadable: Bool { Poll.isReadable(descriptor) }
}
