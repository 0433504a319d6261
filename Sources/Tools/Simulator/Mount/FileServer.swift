// SPDX-License-Identifier: Apache-2.0
//
// Simulated devices as files that any program can open. One thread and one loop: a call that would sleep is put aside with
// its number and answered when a doorbell rings, so no call holds up another. Where FUSE and a character device differ and
// nothing can be done about it, docs say so: ClientPosition.swift for positions, and a signal with SA_RESTART ends a call
// with EINTR, because a file server has no way to ask for the restart.
import CFuse
import CLinux
import DriverModel
import LinuxIO
import SimulatedDevice

/// What to mount.
public struct MountSettings: Sendable {
    /// The folder on which the files appear; made where it is missing.
    public var mountpoint: String
    /// How many channels, 1 and up.
    public var channels: Int
    /// The folder that holds the devices: channel K is its `kcsK`.
    public var devices: String
    /// What devices are made with.
    public var device: DeviceSettings
    /// So many of a thousand polls of a raw node say that there is a byte when there is none.
    public var spurious: UInt64 = 0
    /// What decides which ones.
    public var seed: UInt64 = 0

    /// Settings as given.
    public init(mountpoint: String, channels: Int, devices: String, device: DeviceSettings) {
        precondition(channels >= 1, "a mount has at least one channel")
        self.mountpoint = mountpoint
        self.channels = channels
        self.devices = devices
        self.device = device
    }

    /// The device of a channel.
    public func directory(of channel: Int) -> String { "\(devices)/kcs\(channel)" }
}

/// Serves the files of a mount.
public final class FileServer {
    private let settings: MountSettings
    private let folder: MountedFolder
    private let connection: FuseConnection
    private let epoll: Epoll
    private let signals: FileDescriptor
    /// By the channel's number: a channel has one client, through whichever of its nodes.
    private var clients: [Int: NodeClient] = [:]

    /// The name of Debian's package with the library.
    public static let package = "libfuse3-3"

    /// Makes the devices and mounts. SIGTERM, SIGINT and SIGHUP are blocked in this thread from then on: `run` takes them.
    public init(_ settings: MountSettings) throws(HostFailure) {
        self.settings = settings
        folder = MountedFolder(channels: settings.channels)
        guard cf_load() == 0 else {
            throw HostFailure("libfuse3 is not installed: apt install fuse3 \(Self.package)")
        }
        try Mountpoint.prepare(settings.mountpoint)
        do {
            try Self.makeDevices(settings)
            signals = try Signals.descriptor(of: [SIGTERM, SIGINT, SIGHUP])
            epoll = try Epoll()
        } catch { throw HostFailure(error.description) }
        connection = try FuseConnection(settings.mountpoint)
        watch(connection.descriptor, Source.kernel)
        watch(signals.raw, Source.signal)
    }

    /// A device that is there already must be what is asked for: it would behave otherwise than the command says.
    private static func makeDevices(_ settings: MountSettings) throws(SystemError) {
        for channel in 1...settings.channels {
            let directory = settings.directory(of: channel)
            _ = try DeviceDirectory.create(directory, settings.device)
            if let found = try DeviceDirectory.settings(of: directory), found != settings.device {
                throw SystemError(
                    .exists,
                    "make a device with \(describeSettings(settings.device)); another (\(describeSettings(found))) is in",
                    directory)
            }
        }
    }

    // MARK: The loop

    private enum Source {
        static let kernel: UInt64 = 0
        static let signal: UInt64 = .max
    }

    private func watch(_ descriptor: Int32, _ source: UInt64) {
        let result = epoll.add(descriptor, EPOLLIN.rawValue, source)
        precondition(result.errno == nil, "a new descriptor can be watched")
    }

    /// Serves until SIGTERM, SIGINT or SIGHUP, or until somebody unmounts; then unmounts, and answers every call that
    /// sleeps.
    public func run() {
        var events = [epoll_event](repeating: epoll_event(), count: 32)
        var isServing = true
        while isServing {
            let result = events.withUnsafeMutableBufferPointer { epoll.wait($0, milliseconds: -1) }
            guard case .success(let count) = result else { continue }
            for event in events[..<count] where isServing {
                switch event.word {
                case Source.signal: isServing = false
                case Source.kernel: isServing = serveKernel()
                case let channel: serveDoorbell(Int(channel))
                }
            }
        }
        for client in clients.values {
            client.abandon()
            client.close()
        }
        clients = [:]
        connection.unmount()
    }

    private func serveDoorbell(_ channel: Int) {
        guard let client = clients[channel] else { return }
        client.port.drainDoorbell()
        if client.port.isGone {
            client.abandon()
            client.wakePollers()
        } else {
            client.driverWoke()
        }
    }

    private func serveKernel() -> Bool {
        // A few at a time: doorbells want their turn too.
        for _ in 0..<16 {
            switch connection.receive() {
            case .nothing: return true
            case .unmounted: return false
            case .request(let request): serve(request)
            }
        }
        return true
    }

    // MARK: Requests

    private func serve(_ request: FuseRequest) {
        let unique = request.unique
        switch fuse_opcode(rawValue: request.operation) {
        case FUSE_FORGET, FUSE_BATCH_FORGET, FUSE_DESTROY: return
        case FUSE_INTERRUPT:
            guard let target = request.argument(fuse_interrupt_in.self)?.unique else { return }
            for client in clients.values { client.interrupt(target) }
        case FUSE_INIT:
            guard let offer = request.argument(fuse_init_in.self) else { return fail(unique, EPROTO) }
            connection.replyToInit(unique, offer)
        case FUSE_LOOKUP: lookUp(request)
        case FUSE_GETATTR: getAttributes(request)
        // chmod, utimes and the like change nothing, and say so by what stat(2) shows.
        case FUSE_SETATTR: reply(unique, attributesOf: request.node)
        case FUSE_OPENDIR: connection.reply(unique, fuse_open_out())
        case FUSE_READDIR: readFolder(request)
        case FUSE_RELEASEDIR, FUSE_FSYNC: connection.reply(unique)
        case FUSE_STATFS: connection.reply(unique, fuse_statfs_out())
        case FUSE_OPEN: open(request)
        case FUSE_RELEASE: release(request)
        case FUSE_READ: read(request)
        case FUSE_WRITE: write(request)
        case FUSE_POLL: poll(request)
        case FUSE_IOCTL: control(request)
        default: fail(unique, ENOSYS)
        }
    }

    private func fail(_ unique: UInt64, _ errno: Int32) { connection.reply(unique, error: errno) }

    private func lookUp(_ request: FuseRequest) {
        guard request.node == MountedFolder.root, let number = folder.number(named: request.name),
            let attributes = folder.attributes(number)
        else { return fail(request.unique, ENOENT) }
        var entry = fuse_entry_out()
        entry.nodeid = number
        entry.entry_valid = 3600
        entry.attr = attributes
        connection.reply(request.unique, entry)
    }

    private func getAttributes(_ request: FuseRequest) {
        // With an open file: the kernel wants the size, for it makes an lseek(2) from the end. The device has none.
        let flags = request.argument(fuse_getattr_in.self)?.getattr_flags ?? 0
        if flags & UInt32(FUSE_GETATTR_FH) != 0 { return fail(request.unique, EINVAL) }
        reply(request.unique, attributesOf: request.node)
    }

    private func reply(_ unique: UInt64, attributesOf number: UInt64) {
        guard let attributes = folder.attributes(number) else { return fail(unique, ENOENT) }
        var answer = fuse_attr_out()
        answer.attr = attributes
        connection.reply(unique, answer)
    }

    private func readFolder(_ request: FuseRequest) {
        guard let argument = request.argument(fuse_read_in.self) else { return fail(request.unique, EINVAL) }
        connection.reply(
            request.unique, bytes: folder.entries(from: argument.offset, limit: min(Int(argument.size), 4096)))
    }

    // MARK: Nodes

    private func open(_ request: FuseRequest) {
        guard let (kind, channel) = folder.node(request.node) else { return fail(request.unique, ENOENT) }
        guard clients[channel] == nil else { return fail(request.unique, EBUSY) }
        do {
            let client = try makeClient(kind, channel)
            clients[channel] = client
            watch(client.port.doorbell, UInt64(channel))
        } catch { return fail(request.unique, error.errno.rawValue) }
        var answer = fuse_open_out()
        answer.fh = UInt64(channel)
        // Every call comes here, at once, and several of one file may be under way.
        answer.open_flags = UInt32(FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES)
        connection.reply(request.unique, answer)
    }

    private func makeClient(_ kind: NodeKind, _ channel: Int) throws(SystemError) -> NodeClient {
        let directory = settings.directory(of: channel)
        switch kind {
        case .raw:
            let port = try SimulatedPort(directory: directory, creating: settings.device)
            let fate = SeededRandom(seed: settings.seed, UInt64(channel))
            return RawNodeClient(port, connection, spurious: settings.spurious, fate)
        // These drivers read IDR when they are through with STATE, or have none to write.
        case .serio:
            let port = try SimulatedPort(directory: directory, creating: settings.device, through: .deferred)
            return SerioNodeClient(port, connection)
        case .ipmi:
            let port = try SimulatedPort(directory: directory, creating: settings.device, through: .deferred)
            return IPMINodeClient(port, connection)
        }
    }

    private func release(_ request: FuseRequest) {
        if let channel = folder.node(request.node)?.channel, let client = clients.removeValue(forKey: channel) {
            epoll.remove(client.port.doorbell)
            client.close()
        }
        connection.reply(request.unique)
    }

    private func client(_ request: FuseRequest) -> NodeClient? {
        folder.node(request.node).flatMap { clients[$0.channel] }
    }

    private func pending(_ request: FuseRequest, flags: UInt32) -> PendingCall {
        PendingCall(
            unique: request.unique, thread: request.thread, isNonBlocking: flags & UInt32(O_NONBLOCK) != 0)
    }

    private func read(_ request: FuseRequest) {
        guard let client = client(request), let argument = request.argument(fuse_read_in.self) else {
            return fail(request.unique, EIO)
        }
        if client.port.isGone { return fail(request.unique, ENODEV) }
        client.read(
            pending(request, flags: argument.flags), offset: Int(clamping: argument.offset), count: Int(argument.size))
    }

    private func write(_ request: FuseRequest) {
        guard let client = client(request), let argument = request.argument(fuse_write_in.self) else {
            return fail(request.unique, EIO)
        }
        let bytes = UnsafeRawBufferPointer(rebasing: request.body[MemoryLayout<fuse_write_in>.size...])
        guard bytes.count == Int(argument.size) else { return fail(request.unique, EIO) }
        if client.port.isGone { return fail(request.unique, ENODEV) }
        client.write(pending(request, flags: argument.flags), offset: Int(clamping: argument.offset), bytes)
    }

    private func poll(_ request: FuseRequest) {
        guard let client = client(request), let argument = request.argument(fuse_poll_in.self) else {
            return fail(request.unique, EIO)
        }
        client.poll(request.unique, argument)
    }

    private func control(_ request: FuseRequest) {
        guard let client = client(request), let argument = request.argument(fuse_ioctl_in.self) else {
            return fail(request.unique, ENOTTY)
        }
        let errno = client.control(argument.cmd)
        if errno == 0 { connection.reply(request.unique, fuse_ioctl_out()) } else { fail(request.unique, errno) }
    }
}
