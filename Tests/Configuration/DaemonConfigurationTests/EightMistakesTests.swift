// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import DaemonConfiguration

@Suite struct EightMistakesTests {
    @Test func fileWithEightMistakesReportsAllEightWithPlaceAndCaret() {
        let text = """
            version: 1
            plugin_trust: lax
            control: {socket: /run/kcsmux/control.sock, mode: 660}
            channels:
              - name: Debug
                device: {type: raw-kcs, path: /dev/raw-kcs1, wiat: 30s}
                plugin: debug-trigger
                restart: {backoff: 5m, backoff_max: 60s}
              - name: größe
                device: {path: "/dev/ü-kcs2",\ttype: ipmi-kcs, wait: 30}
                plugin: ipmi-lite
                enabled: yes
            """
        let outcome = ConfigurationFile.parse(Array(text.utf8), file: "kcsmux.yaml", devices: deviceTypes)
        #expect(outcome.configuration == nil)
        #expect(
            outcome.diagnostics.render() == """
                kcsmux.yaml:2:15: error: 'plugin_trust' wants strict, any, not 'lax'
                  plugin_trust: lax
                                ^
                kcsmux.yaml:3:51: error: 'mode' wants a file mode such as 0660, not '660' (octal, with a leading 0)
                  control: {socket: /run/kcsmux/control.sock, mode: 660}
                                                                    ^
                kcsmux.yaml:5:11: error: 'Debug' can't be a channel's name: a letter a-z, then at most 31 of a-z, 0-9 and -
                    - name: Debug
                            ^
                kcsmux.yaml:6:50: error: unknown key 'wiat' (did you mean 'wait'?)
                      device: {type: raw-kcs, path: /dev/raw-kcs1, wiat: 30s}
                                                                   ^
                kcsmux.yaml:8:41: error: 'backoff_max' is 1m, less than 'backoff', which is 5m
                      restart: {backoff: 5m, backoff_max: 60s}
                                                          ^
                kcsmux.yaml:9:11: error: 'größe' can't be a channel's name: a letter a-z, then at most 31 of a-z, 0-9 and -
                    - name: größe
                            ^
                kcsmux.yaml:10:57: error: 'wait' wants a duration such as 10ms or 30s, not '30' \
                (a unit is missing; the units are us, ms, s, m and h)
                      device: {path: "/dev/ü-kcs2",\ttype: ipmi-kcs, wait: 30}
                                                   \t                      ^
                kcsmux.yaml:12:14: error: 'enabled' wants true or false, not 'yes' (write true)
                      enabled: yes
                               ^

                """)
    }
}
