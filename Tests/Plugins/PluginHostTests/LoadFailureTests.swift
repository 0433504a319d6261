// SPDX-License-Identifier: Apache-2.0
//
// Every rule that a plugin's file and descriptor must keep, broken alone, by plugins that the system's C compiler makes.
import CLinux
import LinuxIO
import PluginHost
import TestKit
import Testing

@Suite(.serialized, .enabled(if: CCompiler.isThere)) struct LoadFailureTests {
    private let folder = TestFolder()

    private static var source: String { "\(CCompiler.root)/Tests/Plugins/PluginHostTests/Plugins/variant.c" }

    private func build(_ flags: [String], _ name: String = "libkcs-variant.so") throws -> String {
        try CCompiler.library(Self.source, to: "\(folder.path)/\(name)", flags)
    }

    private func failure(_ path: String, trust: PluginFile.Trust = .strict) -> LoadFailure? {
        switch PluginLoader(folders: [folder.path], trust: trust).load(path) {
        case .success: return nil
        case .failure(let failure): return failure
        }
    }

    private func expect(
        _ failure: LoadFailure?, _ rule: LoadFailure.Rule, _ words: String...,
        location: SourceLocation = #_sourceLocation
    ) {
        let text = failure?.description ?? "no failure"
        #expect(failure?.rule == rule, "\(text)", sourceLocation: location)
        for word in words { #expect(text.contains(word), "\(text)", sourceLocation: location) }
        #expect(!text.contains("\n"), "one line: \(text)", sourceLocation: location)
        #expect(text.contains(folder.path), "names the file: \(text)", sourceLocation: location)
    }

    @Test func soundPluginIsLoadedOnceByNameAndByPath() throws {
        let path = try build([])
        let loader = PluginLoader(folders: ["/nowhere", folder.path], trust: .strict)
        let plugin = try loader.load("variant").get()
        #expect(plugin.name == "variant")
        #expect(plugin.file.path == path)
        #expect(try loader.load(path).get() === plugin)
        #expect(loader.changedOnDisk.isEmpty)
    }

    @Test func missingFileSaysWhereItWasLookedFor() {
        expect(failure("variant"), .found, "libkcs-variant.so")
        expect(failure("\(folder.path)/libkcs-gone.so"), .found)
        #expect(failure("Bad_Name")?.rule == .found)
        #expect(failure("../variant/../")?.rule != nil)
    }

    @Test func whatIsNoSharedLibraryIsRefused() throws {
        expect(failure(try folder.write("libkcs-text.so", "not a library")), .sharedLibrary, "no ELF file")
        expect(failure(try folder.write("libkcs-empty.so", "")), .sharedLibrary, "no ELF file")
        mkdir("\(folder.path)/libkcs-folder.so", 0o755)
        expect(failure("folder"), .sharedLibrary, "not a regular file")
        mkfifo("\(folder.path)/libkcs-pipe.so", 0o600)
        expect(failure("pipe"), .sharedLibrary, "not a regular file")
        let object = "\(folder.path)/libkcs-object.so"
        try CCompiler.run(
            ["-c", "-fPIC", "-I", "\(CCompiler.root)/Sources/CKCSPlugin/include", Self.source, "-o", object])
        expect(failure(object), .sharedLibrary, "type 1")
    }

    @Test func executablesAreRefused() throws {
        let include = ["-I", "\(CCompiler.root)/Sources/CKCSPlugin/include", "-DEXECUTABLE", Self.source]
        let fixed = "\(folder.path)/libkcs-fixed.so"
        try CCompiler.run(["-no-pie", "-fno-pie"] + include + ["-o", fixed])
        expect(failure(fixed), .sharedLibrary, "type 2")
        let movable = "\(folder.path)/libkcs-movable.so"
        try CCompiler.run(["-pie", "-fPIE"] + include + ["-o", movable])
        expect(failure(movable), .sharedLibrary)
    }

    @Test func foreignLibrariesAreRefused() throws {
        let sound = try build([])
        var bytes = try #require(folder.bytes("libkcs-variant.so"))
        let (itsClass, machine) = (bytes[4], bytes[18])
        bytes[4] = itsClass == 2 ? 1 : 2
        expect(failure(try folder.write("libkcs-class.so", bytes: bytes)), .sharedLibrary, "bit ELF file")
        bytes[4] = itsClass
        bytes[18] = machine ^ 1
        expect(failure(try folder.write("libkcs-machine.so", bytes: bytes)), .sharedLibrary, "machine")
        #expect(failure(sound) == nil)
    }

    @Test func libraryThatWasCutShortIsRefusedAndKillsNobody() throws {
        _ = try build([])
        let bytes = try #require(folder.bytes("libkcs-variant.so"))
        for length in [30, 64, 100, 600, 0x1000, bytes.count / 2] where length < bytes.count {
            let path = try folder.write("libkcs-cut\(length).so", bytes: Array(bytes[..<length]))
            #expect(failure(path)?.rule == .sharedLibrary, "\(length) of \(bytes.count) bytes")
        }
    }

    @Test func libraryWithAnUndefinedSymbolIsRefused() throws {
        expect(failure(try build(["-DUNDEFINED"])), .sharedLibrary, "nobody_defines_this")
    }

    @Test func missingEntryIsRefused() throws {
        expect(failure(try build(["-DNO_ENTRY"])), .entry, "kcs_plugin_entry")
        expect(failure(try build(["-DNULL_ENTRY"], "libkcs-null.so")), .entry, "no descriptor")
    }

    @Test(arguments: [
        ("plugin.abi = 2", "0.2"), ("plugin.abi = 2u << 16", "2.0"), ("plugin.abi = 0xFFFFFFFFu", "65535.65535"),
    ])
    func wrongABIIsRefused(change: String, found: String) throws {
        expect(failure(try build(["-DCHANGE=\(change)"])), .abi, found)
    }

    /// `commands` is the first member that 1.0 did not have.
    @Test(arguments: [
        "plugin.size = __builtin_offsetof(struct kcs_plugin, commands) - 8", "plugin.size = 0", "plugin.size = 24",
        "plugin.option_size = 40",
    ])
    func descriptorShorterThanThatOfABI10IsRefused(change: String) throws {
        expect(failure(try build(["-DCHANGE=\(change)"])), .size)
    }

    @Test func descriptorWithoutWhatLaterMinorsAddedIsTaken() throws {
        let change = "plugin.abi = 1u << 16, plugin.size = __builtin_offsetof(struct kcs_plugin, commands)"
        #expect(failure(try build(["-DCHANGE=\(change)"])) == nil)
    }

    @Test(arguments: [
        "plugin.size += 64", "plugin.abi += 1", "plugin.abi += 1, plugin.inputs |= 0x30",
        "plugin.abi = (KCS_ABI_MAJOR << 16 | 0xFFFF), plugin.size = 0xFFFFFFFFu",
    ])
    func longerDescriptorIsALaterMinors(change: String) throws {
        #expect(failure(try build(["-DCHANGE=\(change)"])) == nil)
    }

    @Test func laterMinorMayDeclareWhatThisHostDoesNotKnow() throws {
        expect(failure(try build(["-DCHANGE=plugin.abi += 1, plugin.inputs = 0x30"])), .hostVersion, "0x30")
        let newer = try build(["-DCHANGE=plugin.abi += 1", "-DOPTION=.key = \"x\", .type = 99"], "libkcs-newer.so")
        expect(failure(newer), .hostVersion, "type 99")
        let flags = "-DOPTION=.key = \"x\", .type = KCS_OPTION_BYTE, .flags = 0xFFFFFFF0"
        #expect(failure(try build([flags], "libkcs-flags.so")) == nil, "flags that it does not know are left alone")
    }

    @Test(arguments: ["name", "version", "summary", "create", "start", "destroy", "data"])
    func nullRequiredMemberIsRefused(member: String) throws {
        expect(failure(try build(["-DCHANGE=plugin.\(member) = NULL"])), .required, member)
    }

    @Test(arguments: [
        ("plugin.inputs = KCS_TAKES(KCS_INPUT_MANUAL)", "input_ready"),
        ("plugin.inputs = KCS_TAKES(KCS_INPUT_MESSAGES)", "message"), ("plugin.request_count = 1", "requests"),
    ])
    func callbackOfADeclaredInputMustBeThere(change: String, member: String) throws {
        expect(failure(try build(["-DCHANGE=\(change)"])), .required, member)
    }

    @Test func pluginForANewerHostIsRefused() throws {
        expect(failure(try build(["-DCHANGE=plugin.abi_needed = KCS_ABI + 1"])), .hostVersion, "needs ABI 1.")
        expect(failure(try build(["-DCHANGE=plugin.abi_needed = 2"], "libkcs-other.so")), .hostVersion, "0.2")
        #expect(failure(try build(["-DCHANGE=plugin.abi_needed = KCS_ABI"], "libkcs-same.so")) == nil)
    }

    @Test(arguments: [
        ("-DCHANGE=plugin.name = \"Variant\"", "Variant"), ("-DCHANGE=plugin.name = \"\"", "name"),
        ("-DCHANGE=plugin.inputs = 0", "inputs"), ("-DCHANGE=plugin.inputs = 0x10", "0x10"),
        ("-DCHANGE=plugin.option_count = 5000", "4096"), ("-DCHANGE=plugin.option_count = 1ull << 63", "4096"),
        ("-DCHANGE=plugin.options = NULL", "null"), ("-DCHANGE=plugin.option_size += 4", "option_size"),
        ("-DOPTION=.key = \"x\", .type = 99", "type 99"), ("-DOPTION=.key = \"x\", .type = 0", "type 0"),
        ("-DOPTION=.type = KCS_OPTION_BYTE", "no key"),
        ("-DOPTION=.key = \"x\", .type = KCS_OPTION_INTEGER, .flags = 2, .minimum = 2, .maximum = 1", "minimum"),
        ("-DOPTION=.key = \"x\", .type = KCS_OPTION_LIST", "not 1"),
        ("-DOPTION=.key = \"x\", .type = KCS_OPTION_MAP, .children = &byte_shape, .child_count = 1", "not 2"),
        ("-DOPTION=.key = \"x\", .type = KCS_OPTION_ONE_OF", "alternatives"),
        ("-DOPTION=.key = \"x\", .type = KCS_OPTION_ENUMERATION, .choices = no_choices", "choices"),
        (
            "-DOPTION=.key = \"x\", .type = KCS_OPTION_OBJECT, .children = &byte_shape, .child_count = 1",
            "without a key"
        ),
        ("-DOPTION=.key = \"x\", .type = KCS_OPTION_OBJECT, .child_count = 3", "null"),
        ("-DREQUEST=.net_fn = 64, .shortest = 2, .longest = 2", "NetFn 64"),
        ("-DREQUEST=.net_fn = 6, .shortest = 1, .longest = 2", "from 1 to 2"),
        ("-DREQUEST=.net_fn = 6, .shortest = 3, .longest = 2", "from 3 to 2"),
        ("-DREQUEST=.net_fn = 6, .shortest = 3, .longest = 9, .reserved = KCS_COUNTED(3, 4)", "counted by byte 3"),
        ("-DREQUEST=.net_fn = 6, .shortest = 3, .longest = 9, .reserved = KCS_COUNTED(1, 4)", "counted by byte 1"),
    ])
    func declarationThatMakesNoSenseIsRefused(flag: String, word: String) throws {
        expect(failure(try build([flag])), .declaration, word)
    }

    @Test func optionsThatHoldThemselvesEnd() throws {
        let found = failure(try build(["-DSELF_HOLDING"]))
        expect(found, .declaration)
    }

    @Test func needsAreComparedWithTheDevice() throws {
        let plugin = try PluginLoader(folders: [], trust: .strict)
            .load(try build(["-DCHANGE=plugin.needs = KCS_CAP_STR | 0x8000"])).get()
        let found = plugin.check(capabilities: 1, device: "serio-raw /dev/serio_raw0")
        #expect(found?.rule == .needs)
        #expect(
            found?.description.contains("it needs STR, 0x8000, which serio-raw /dev/serio_raw0 does not give") == true)
        #expect(plugin.check(capabilities: 0x8004, device: "x") == nil)
    }

    @Test func fileThatOthersMayWriteIsRefusedUnlessTrustIsAny() throws {
        let path = try build([])
        chmod(path, 0o757)
        expect(failure(path), .trusted, "the file is writable by others", "0757")
        #expect(failure(path, trust: .any) == nil)
        chmod(path, 0o775)
        chown(path, 0, 1)
        if getuid() == 0 { expect(failure(path), .trusted, "writable by group 1") }
        chown(path, 0, 0)
        #expect(failure(path) == nil, "the owner's own group")
    }

    @Test func folderThatOthersMayWriteIsRefused() throws {
        let path = try build([])
        chmod(folder.path, 0o777)
        expect(failure(path), .trusted, "its folder", "writable by others")
        chmod(folder.path, 0o700)
        // The folder that counts is the file's, not that of a link to it.
        let open = TestFolder()
        chmod(open.path, 0o777)
        let hidden = try CCompiler.library(Self.source, to: "\(open.path)/libkcs-hidden.so")
        symlink(hidden, "\(folder.path)/libkcs-link.so")
        expect(failure("\(folder.path)/libkcs-link.so"), .trusted, open.path)
    }

    @Test(.enabled(if: getuid() == 0)) func fileOfAnotherUserAndWhatLiesInAFolderOfTheirsIsRefused() throws {
        let path = try build([])
        chown(path, 65534, 65534)
        expect(failure(path), .trusted, "the file is owned by user 65534", "neither root nor user 0")
        chown(path, 0, 0)
        let inner = "\(folder.path)/theirs/ours"
        try Syscalls.makeFolders(inner)
        rename(path, "\(inner)/libkcs-variant.so")
        chown("\(folder.path)/theirs", 65534, 65534)
        expect(
            failure("\(inner)/libkcs-variant.so"), .trusted, "its folder \(folder.path)/theirs is owned by user 65534")
        #expect(failure("\(inner)/libkcs-variant.so", trust: .any) == nil)
    }

    @Test func entryOfAnAccessControlListThatLetsOthersWriteIsSeen() throws {
        let path = try build([])
        // The owner's entry, user 65534 with rw-, group, mask and others.
        func list(mask: UInt8) -> [UInt8] {
            let none: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
            let user: [UInt8] = [2, 0, 6, 0, 0xFE, 0xFF, 0, 0]
            let entries: [[UInt8]] = [
                [2, 0, 0, 0], [1, 0, 7, 0] + none, user, [4, 0, 5, 0] + none, [0x10, 0, mask, 0] + none,
                [0x20, 0, 5, 0] + none,
            ]
            return Array(entries.joined())
        }
        let bytes = list(mask: 6)
        // Some file systems have no such lists.
        guard setxattr(path, "system.posix_acl_access", bytes, bytes.count, 0) == 0 else { return }
        expect(failure(path), .trusted, "the file is writable by user 65534, by its access control list")
        let limited = list(mask: 5)
        #expect(setxattr(path, "system.posix_acl_access", limited, limited.count, 0) == 0)
        #expect(failure(path) == nil, "the mask takes the right away")
    }

    @Test func fileThatIsWrittenOverAfterItWasLoadedHarmsNobody() throws {
        let path = try build([])
        let plugin = try PluginLoader(folders: [], trust: .strict).load(path).get()
        #expect(truncate(path, 0) == 0)
        #expect(plugin.check(capabilities: 1, device: "x") == nil)
        try folder.write("libkcs-variant.so", String(repeating: "x", count: 100_000))
        #expect(plugin.name == "variant")
    }

    @Test func whatWasRefusedIsNotLoadedAgain() throws {
        let path = try build(["-DNO_ENTRY"])
        let loader = PluginLoader(folders: [], trust: .strict)
        guard case .failure(let failure) = loader.load(path) else {
            Issue.record("it was loaded")
            return
        }
        let before = try Syscalls.list("/proc/self/fd").count
        for _ in 0..<10 {
            if case .failure(failure) = loader.load(path) { continue }
            Issue.record("another answer")
        }
        #expect(try Syscalls.list("/proc/self/fd").count <= before + 2, "other tests open a few")
    }

    @Test func fileThatIsExchangedWhileItIsLoadedIsRefused() throws {
        let path = "\(folder.path)/libkcs-exchanged.so"
        try folder.write("libkcs-exchanged.so.other", "something else")
        _ = try build(["-DEXCHANGED=\"\(path)\""], "libkcs-exchanged.so")
        expect(failure(path, trust: .any), .trusted, "exchanged")
    }

    @Test func changedFileIsToldAndWhatRunsStays() throws {
        let path = try build([])
        let loader = PluginLoader(folders: [folder.path], trust: .strict)
        let plugin = try loader.load("variant").get()
        rename(path, path + ".old")
        #expect(try loader.load("variant").get() === plugin, "its file is being exchanged")
        #expect(loader.changedOnDisk.map { $0.name } == ["variant"])
        _ = try build(["-DCHANGE=plugin.version = \"2\""])
        #expect(try loader.load("variant").get() === plugin)
        #expect(loader.changedOnDisk.count == 1)
        #expect(plugin.version == "1")
    }
}
