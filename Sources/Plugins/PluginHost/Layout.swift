// SPDX-License-Identifier: Apache-2.0

/// How far ABI 1.0 reaches in each structure that plugins make, in bytes; CKCSPlugin/layout.c asserts the numbers. What a
/// plugin was built with may be longer or shorter than what this program was built with, but never shorter than this.
enum Layout {
    private static let isWide = MemoryLayout<UInt>.size == 8

    /// `struct kcs_plugin`
    static let plugin = isWide ? 168 : 108
    /// `struct kcs_option`
    static let option = isWide ? 72 : 56
    /// `struct kcs_window`
    static let window = 24
}
