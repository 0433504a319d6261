function __kcssim_should_offer_completions_for_flags_or_options -a expected_commands
    set -l non_repeating_flags_or_options $argv[2..]
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __kcssim_parse_tokens
    test "$commands" = "$expected_commands"; and return $non_repeating_flags_or_options_absent
end

function __kcssim_should_offer_completions_for_positional -a expected_commands positional_index_comparison expected_positional_index
    set -l non_repeating_flags_or_options
    set -l non_repeating_flags_or_options_absent 0
    set -l positional_index 0
    set -l commands
    __kcssim_parse_tokens
    test "$commands" = "$expected_commands" -a \( "$positional_index" "$positional_index_comparison" "$expected_positional_index" \)
end

function __kcssim_parse_tokens -S
    set -l unparsed_tokens (__kcssim_tokens -pc)
    switch $unparsed_tokens[1]
    case 'kcssim'
        __kcssim_parse_subcommand 0 'version' 'h/help'
        switch $unparsed_tokens[1]
        case 'create'
            __kcssim_parse_subcommand 1 'driver=' 'obe-lag=' 'window=' 'version' 'h/help'
        case 'out'
            __kcssim_parse_subcommand -r 3 'timeout=' 'ignore-ibf' 'version' 'h/help'
        case 'in'
            __kcssim_parse_subcommand 2 'timeout=' 'count=' 'version' 'h/help'
        case 'watch'
            __kcssim_parse_subcommand 1 'version' 'h/help'
        case 'trigger'
            __kcssim_parse_subcommand 2 'timeout=' 'wait=' 'version' 'h/help'
        case 'ipmi'
            __kcssim_parse_subcommand -r 2 'timeout=' 'temperament=' 'count=' 'version' 'h/help'
        case 'soak'
            __kcssim_parse_subcommand -r 1 'seed=' 'for=' 'as=' 'faults=' 'first=' 'timeout=' 'vanish-every=' 'reopen=' 'version' 'h/help'
        case 'demo'
            __kcssim_parse_subcommand 0 'config=' 'timeout=' 'keep' 'version' 'h/help'
        case 'mctp'
            __kcssim_parse_subcommand -r 2 'timeout=' 'binding=' 'eid=' 'mtu=' 'only=' 'count=' 'size=' 'type=' 'socket=' 'version' 'h/help'
        case 'mount'
            __kcssim_parse_subcommand 1 'channels=' 'devices=' 'driver=' 'obe-lag=' 'spurious=' 'seed=' 'version' 'h/help'
        case 'plugin'
            __kcssim_parse_subcommand 2 'options=' 'ignore=+' 'state=' 'timeout=' 'record' 'repeat=' 'version' 'h/help'
        case 'replay'
            __kcssim_parse_subcommand 2 'options=' 'channel=' 'until=' 'transcript=' 'device=' 'daemon' 'timeout=' 'version' 'h/help'
        case 'fuzz'
            __kcssim_parse_subcommand 1 'seed=' 'for=' 'runs=' 'options=' 'from=+' 'o/output=' 'timeout=' 'version' 'h/help'
        case 'report'
            __kcssim_parse_subcommand -r 1 'o/output=' 'title=' 'version' 'h/help'
        case 'certify'
            __kcssim_parse_subcommand -r 1 'junit=' 'timeout=' 'only=+' 'version' 'h/help'
        case 'schema'
            __kcssim_parse_subcommand 0 'plugin-path=+' 'version' 'h/help'
        case 'help'
            __kcssim_parse_subcommand -r 1 'version'
        end
    end
end

function __kcssim_tokens
    if test (string split -m 1 -f 1 -- . "$FISH_VERSION") -gt 3
        commandline --tokens-raw $argv
    else
        commandline -o $argv
    end
end

function __kcssim_parse_subcommand -S -a positional_count
    argparse -s r -- $argv
    set -l option_specs $argv[2..]
    set -l is_repeating_positional $_flag_r
    set -el _flag_r
    set -a commands $unparsed_tokens[1]
    set positional_index 0
    while true
        set -e unparsed_tokens[1]
        argparse -sn "$commands" $option_specs -- $unparsed_tokens 2> /dev/null
        set unparsed_tokens $argv
        set positional_index (math $positional_index + 1)
        for non_repeating_flag_or_option in $non_repeating_flags_or_options
            if set -ql "_flag_$(string replace -a - _ -- $non_repeating_flag_or_option)"
                set non_repeating_flags_or_options_absent 1
                break
            end
        end
        test (count $unparsed_tokens) -eq 0 -o \( -z "$is_repeating_positional" -a "$positional_index" -gt "$positional_count" \) && break
    end
end

function __kcssim_complete_directories
    set -l token (commandline -t)
    string match -- '*/' $token
    set -l subdirs $token*/
    printf %s\n $subdirs
end

function __kcssim_custom_completion
    set -x SAP_SHELL fish
    set -x SAP_SHELL_VERSION $FISH_VERSION
    set -l tokens (__kcssim_tokens -p)
    if test -z "$(__kcssim_tokens -t)"
        set -l index (count (__kcssim_tokens -pc))
        set tokens $tokens[..$index] \'\' $tokens[(math $index + 1)..]
    end
    command $tokens[1] $argv $tokens
end

complete -c 'kcssim' -f
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'create' -d 'Makes a device.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'out' -d 'Writes bytes to the data or command port.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'in' -d 'Reads the data or status port.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'watch' -d 'Prints every change of STR and ODR that a host can see, until interrupted.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'trigger' -d 'Asks the BMC for debug data (D) or a reboot (R).'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'ipmi' -d 'Sends an IPMI request over a KCS transfer, or asks for a report.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'soak' -d 'Plays a host with faults against running channels, and checks every answer.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'demo' -d 'Runs kcsmuxd on simulated channels, and shows what every handler does.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'mctp' -d 'Talks MCTP to the BMC, and makes the channel for it unless it is active.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'mount' -d 'Makes devices that any program can open: raw-kcsK, serio_rawK and ipmi-kcsK.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'plugin' -d 'Plays a transcript to a plugin, and compares what it does.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'replay' -d 'Lets a capture from the field drive a plugin, and compares what the host CPU gets with what it got.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'fuzz' -d 'Throws requests, bytes, time and options at a plugin until it does what it must not.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'report' -d 'Makes one page of captures, to attach to a ticket: a time line, failures, latencies.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'certify' -d 'Checks a BMC that serves IPMI or MCTP over KCS against the standards, as its host.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'schema' -d 'Prints a JSON Schema of kcsmuxd\'s file, with the options of all plugins that are found.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim" -eq 1' -fa 'help' -d 'Show subcommand help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim create" driver' -l 'driver' -d 'v2: the raw-KCS patch as posted. fixed: with its O_NONBLOCK test put right. deferred: IDR stays until read. (default: v2)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim create" obe-lag' -l 'obe-lag' -d 'How often the driver polls OBF, as where OBE has no interrupt (500ms on Aspeed). 0: an interrupt. (default: 0)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim create" window' -l 'window' -d 'The window that both sides share. (default: 1MiB)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim create" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim create" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim out" timeout' -l 'timeout' -d 'How long the whole command may take; with bench and --count, each message unless it is given. (default: 5s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim out" -eq 1' -fka 'data command'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim out" ignore-ibf' -l 'ignore-ibf' -d 'Write whatever IBF says, as a host that does not keep to the protocol.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim out" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim out" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim in" timeout' -l 'timeout' -d 'How long the whole command may take; with bench and --count, each message unless it is given. (default: 5s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim in" -eq 1' -fka 'data status'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim in" count' -l 'count' -d 'How many bytes to read from the data port.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim in" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim in" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim watch" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim watch" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim trigger" timeout' -l 'timeout' -d 'How long the whole command may take; with bench and --count, each message unless it is given. (default: 5s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_positional "kcssim trigger" -eq 1' -fka 'D R'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim trigger" wait' -l 'wait' -d 'kcsmuxd\'s folder of captures; wait for a new one in it.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim trigger" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim trigger" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim ipmi" timeout' -l 'timeout' -d 'How long the whole command may take; with bench and --count, each message unless it is given. (default: 5s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim ipmi" temperament' -l 'temperament' -d 'Whose habits the host has: linux retries, freeipmi tries once, edk2 polls slowly, manageability (a part of EDK II) does both and wants IDLE first. (default: linux)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim ipmi" count' -l 'count' -d 'How many times to send the request, one after the other.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim ipmi" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim ipmi" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim soak" seed' -l 'seed' -d 'What all that is done follows from. (default: one that is printed)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim soak" for' -l 'for' -d 'How long. (default: 60s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim soak" as' -l 'as' -d 'What answers. (default: found out)' -rfka 'echo ipmi'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim soak" faults' -l 'faults' -d 'What goes wrong: any of lost, delayed, spurious, obe, ibf, reset, stall, vanish, separated by commas; all, or none. (default: all)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim soak" first' -l 'first' -d 'The number of the exchange to begin with.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim soak" timeout' -l 'timeout' -d 'How long the BMC may take to answer. (default: 5s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim soak" vanish-every' -l 'vanish-every' -d 'How often each device vanishes, on the average. (default: 20s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim soak" reopen' -l 'reopen' -d 'How long the BMC may take to open a device that came back. (default: 90s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim soak" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim soak" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim demo" config' -l 'config' -d 'The configuration. (default: config/demo.yaml of the source tree)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim demo" timeout' -l 'timeout' -d 'How long each step may take. (default: 10s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim demo" keep' -l 'keep' -d 'Leave log, captures and devices behind, in a new folder of $TMPDIR, or else /tmp.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim demo" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim demo" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mctp" timeout' -l 'timeout' -d 'How long the whole command may take; with bench and --count, each message unless it is given. (default: 5s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mctp" binding' -l 'binding' -d 'Shared window and signals, or KCS transfers.' -rfka 'astlpc dsp0254'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mctp" eid' -l 'eid' -d 'This host\'s own address, until the BMC gives it one.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mctp" mtu' -l 'mtu' -d 'Payload bytes of a packet at most. (default: what the BMC offers; dsp0254: 64)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mctp" only' -l 'only' -d 'The only version of astlpc to speak: 1, 2 or 3. (default: all)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mctp" count' -l 'count' -d 'bench, ping: how many messages.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mctp" size' -l 'size' -d 'bench: bytes of a message, its type among them. (default: 4KiB)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mctp" type' -l 'type' -d 'bench: the message type. (default: 0x7f)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mctp" socket' -l 'socket' -d 'bench: the endpoint\'s socket, an abstract name or a path. (default: mctp-mux)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mctp" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mctp" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mount" channels' -l 'channels' -d 'How many channels.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mount" devices' -l 'devices' -d 'The folder of the devices. (default: MOUNTPOINT.devices)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mount" driver' -l 'driver' -d 'v2: the raw-KCS patch as posted. fixed: with its O_NONBLOCK test put right. deferred: IDR stays until read. (default: v2)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mount" obe-lag' -l 'obe-lag' -d 'How often the driver polls OBF, as where OBE has no interrupt (500ms on Aspeed). 0: an interrupt. (default: 0)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mount" spurious' -l 'spurious' -d 'So many of a thousand polls of a raw node say that there is a byte when there is none.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mount" seed' -l 'seed' -d 'What decides which ones.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mount" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim mount" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim plugin" options' -l 'options' -d 'Options in place of the transcript\'s, in YAML: \'{xor: 1}\'.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim plugin"' -l 'ignore' -d 'Lines that do not count, by their first word: log, annotate, stat, … May be repeated.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim plugin" state' -l 'state' -d 'The plugin\'s state folder. (default: a new one, which is removed)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim plugin" timeout' -l 'timeout' -d 'How long a call of the plugin may take. (default: 5s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim plugin" record' -l 'record' -d 'Print what happens as a transcript, instead of comparing.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim plugin" repeat' -l 'repeat' -d 'Play it so many times more in the same process; memory, descriptors or threads that grow each time are an error.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim plugin" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim plugin" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim replay" options' -l 'options' -d 'The plugin\'s options as in the field, in YAML: \'{xor: 1}\'.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim replay" channel' -l 'channel' -d 'The channel of the capture. (default: its only one on which the host does something)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim replay" until' -l 'until' -d 'Where to end: a time such as 2026-11-22T17:52:46.5 (UTC), or how long after the first event: 10s.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim replay" transcript' -l 'transcript' -d 'Write the field\'s answers as a transcript, which `kcssim plugin` plays, and compare nothing.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim replay" device' -l 'device' -d 'What the device was. (default: raw-kcs)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim replay" daemon' -l 'daemon' -d 'Have the plugin served by a kcsmuxd on a simulated device, and play the host in real time; for captures with messages.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim replay" timeout' -l 'timeout' -d 'How long a call of the plugin may take. (default: 5s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim replay" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim replay" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim fuzz" seed' -l 'seed' -d 'What all follows from. (default: a new one, which is printed)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim fuzz" for' -l 'for' -d 'How long to look. (default: 60s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim fuzz" runs' -l 'runs' -d 'How many runs to make, in place of a time.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim fuzz" options' -l 'options' -d 'Options that stay as they are, in YAML: \'{xor: 1}\'. (default: varied)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim fuzz"' -l 'from' -d 'A transcript or a capture whose steps are followed and varied. May be repeated.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim fuzz" o output' -l 'output' -s 'o' -d 'Where the transcript goes. (default: printed)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim fuzz" timeout' -l 'timeout' -d 'How long a call of the plugin may take. (default: 1s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim fuzz" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim fuzz" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim report" o output' -l 'output' -s 'o' -d 'The page.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim report" title' -l 'title' -d 'The page\'s title. (default: the captures\' names)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim report" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim report" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim certify" junit' -l 'junit' -d 'Write the verdicts as JUnit, too.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim certify" timeout' -l 'timeout' -d 'How long the BMC may take for each byte and answer. (default: 5s)' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim certify"' -l 'only' -d 'Make this check alone; several may be named.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim certify" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim certify" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim schema"' -l 'plugin-path' -d 'A folder in which plugins are looked for first; may be given again.' -rfka ''
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim schema" version' -l 'version' -d 'Show the version.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim schema" h help' -s 'h' -l 'help' -d 'Show help information.'
complete -c 'kcssim' -n '__kcssim_should_offer_completions_for_flags_or_options "kcssim help" version' -l 'version' -d 'Show the version.'
