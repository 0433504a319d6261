// SPDX-License-Identifier: Apache-2.0
import Common
import Daemon
import PluginHost

/// What the command line asks for.
struct CommandLine {
    var file = "/etc/kcsmux/kcsmux.yaml"
    var level = LogLevel.notice
    var wish = Wish.run

    enum Wish {
        case run
        case check
        case printConfiguration
        case printNeeds
        case checkPlugin(String)
        case serveChannel
        case help
        case version
    }

    static let help = """
        Usage: kcsmuxd [--config FILE] [--log-level LEVEL]
               [--check-config | --print-config | --print-needs | --check-plugin FILE |
                --version | --help]

        Serves KCS channels: opens the devices that FILE names, and gives each channel's
        bytes or messages to the plugins that FILE names for it.

          -c, --config FILE    the configuration (default /etc/kcsmux/kcsmux.yaml)
          --check-config       check FILE, its plugins and their options, and exit
          --print-config       print FILE as it takes effect, and exit
          --print-needs        print what FILE needs of the machine, and exit
          --check-plugin FILE  load that plugin, as is tried in a process of its own before
                               it is loaded for a channel, and exit
          --log-level LEVEL    error, warning, notice, info, debug or trace
                               (default notice)
          --version            print version, plugin ABI and build, and exit
          --help               print this, and exit

        Signals: SIGTERM and SIGINT stop, SIGHUP reloads FILE, SIGUSR1 writes the
        captures of all channels to disk.
        Exit status: 0 stopped as asked, 1 failure, 64 usage, 78 configuration.

        """

    /// Reads the arguments, the program's name not among them. The failure is what to say about a wrong one.
    static func parse(_ arguments: [String]) -> Result<CommandLine, UsageError> {
        var parsed = CommandLine()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let (name, inline) = split(argument)
            switch name {
            case "--config", "-c", "--log-level", "--check-plugin":
                guard let value = inline ?? rest.popFirst() else {
                    return .failure(UsageError(text: "\(name) needs a value"))
                }
                if name == "--check-plugin" {
                    parsed.wish = .checkPlugin(value)
                } else if name != "--log-level" {
                    parsed.file = value
                } else if let level = LogLevel(name: value) {
                    parsed.level = level
                } else {
                    return .failure(
                        UsageError(text: "--log-level \(value): not one of error, warning, notice, info, debug, trace"))
                }
            case "--check-config" where inline == nil: parsed.wish = .check
            case "--print-config" where inline == nil: parsed.wish = .printConfiguration
            case "--print-needs" where inline == nil: parsed.wish = .printNeeds
            case ChannelServer.argument where inline == nil: parsed.wish = .serveChannel
            case "--version" where inline == nil: parsed.wish = .version
            case "--help" where inline == nil, "-h" where inline == nil: parsed.wish = .help
            case "--check-config", "--print-config", "--print-needs", "--version", "--help":
                return .failure(UsageError(text: "\(name) takes no value"))
            default: return .failure(UsageError(text: "unknown argument \(argument)"))
            }
        }
        return .success(parsed)
    }

    private static func split(_ argument: String) -> (name: String, value: String?) {
        guard argument.utf8.starts(with: "--".utf8), let equals = argument.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            return (argument, nil)
        }
        return (String(argument[..<equals]), String(argument[argument.utf8.index(after: equals)...]))
    }
}

/// A command line that makes no sense.
struct UsageError: Error {
    let text: String
}
