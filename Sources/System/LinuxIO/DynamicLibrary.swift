// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A shared library in this process. It is never unloaded: closing a Swift image leaves the runtime with dangling
/// metadata, and a C image with dangling callbacks.
public struct DynamicLibrary {
    private let handle: UnsafeMutableRawPointer

    /// Loads a library, all its symbols bound, none of them lent to other libraries.
    /// The error is the dynamic linker's own sentence.
    public static func load(_ path: String) -> Result<DynamicLibrary, LoadError> {
        _ = dlerror()
        guard let handle = path.withCString({ dlopen($0, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) }) else {
            return .failure(LoadError(reason: dlerror().map { String(cString: $0) } ?? "unknown error"))
        }
        return .success(DynamicLibrary(handle: handle))
    }

    /// The address of a symbol that the library itself, or one that it needs, defines.
    public func symbol(_ name: String) -> UnsafeMutableRawPointer? { name.withCString { dlsym(handle, $0) } }

    /// What the dynamic linker said.
    public struct LoadError: Error {
        /// Its sentence, which names the file.
        public let reason: String
    }
}
