// SPDX-License-Identifier: Apache-2.0
import Common
import DaemonConfiguration
import Events
import JSON
import LinuxIO

/// Where the control socket is.
extension Supervisor {
    /// Without `control` in the file, a socket that can't be made is no reason not to serve channels.
    func openControlAtStart() throws(Failure) {
        guard let failure = openControl() else { return }
        if plan.configuration.control.isGiven || failure.isPassed { throw Failure(description: failure.text) }
        log.write(.warning, nil, "no control socket: \(failure.text)")
    }

    /// Listens where the plan says, instead of where it listened. The answer is why that is not possible.
    func openControl() -> ControlFailure? {
        let passed = services.listenDescriptors.descriptor(named: "control")
        if passed != nil && control != nil { return nil }
        let log = self.log
        let commands = self.commands
        do throws(ControlFailure) {
            if let control, control.address.path == plan.configuration.control.socket {
                try control.address.change(plan.configuration.control)
                return nil
            }
            let address =
                if let passed { try ControlAddress.passed(passed) } else {
                    try ControlAddress.make(plan.configuration.control)
                }
            let server = try ControlServer.listening(address, loop, log) { request, client in
                commands.serve(request, for: client)
            }
            if let old = control {
                // Whoever asked for this gets the answer first.
                loop.mailbox.post { old.end() }
            }
            control = server
            return nil
        } catch { return error }
    }
}
