# SPDX-License-Identifier: Apache-2.0
#
# Completion of kcsctl for bash: source it, or install it as /usr/share/bash-completion/completions/kcsctl.

_kcsctl_words() {
    COMPREPLY=($(compgen -W "$1" -- "${COMP_WORDS[COMP_CWORD]}"))
}

_kcsctl_files() {
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}

# The channels of the daemon that the line is about; none where there is none.
_kcsctl_channels() {
    local socket=() index
    for ((index = 1; index < COMP_CWORD; index++)); do
        [[ ${COMP_WORDS[index]} == --socket ]] && socket=(--socket "${COMP_WORDS[index + 1]}")
    done
    _kcsctl_words "$1 $("${COMP_WORDS[0]}" "${socket[@]}" status --names 2>/dev/null)"
}

_kcsctl() {
    local words=() index previous=${COMP_WORDS[COMP_CWORD - 1]} current=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    case $previous in
    --socket | -o | --output) _kcsctl_files; return ;;
    --plugin-path) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$current")); return ;;
    --trust) _kcsctl_words "strict any"; return ;;
    --device) _kcsctl_words "raw-kcs serio-raw ipmi-kcs sim"; return ;;
    --channel) _kcsctl_channels; return ;;
    --link) _kcsctl_words "register ipmi mctp"; return ;;
    --format) _kcsctl_words "openmetrics prometheus"; return ;;
    --sort) _kcsctl_words "name state bytes messages errors latency stalls restarts"; return ;;
    --since | --until | --interval) return ;;
    esac
    # The command's own words before the cursor: options and their values are left out.
    for ((index = 1; index < COMP_CWORD; index++)); do
        case ${COMP_WORDS[index]} in
        --socket | -o | --output | --plugin-path | --trust | --device | --channel | --since | --until | --link | --format | --interval | --sort) ((index++)) ;;
        -*) ;;
        *) words+=("${COMP_WORDS[index]}") ;;
        esac
    done
    local general="--socket --json --help"
    case "${words[*]}" in
    "") _kcsctl_words "status start stop restart reset reload log-level top metrics capture plugin decode $general --version" ;;
    status) _kcsctl_channels "--names $general" ;;
    start | stop | restart | reset) _kcsctl_channels "$general" ;;
    log-level) _kcsctl_words "error warning notice info debug trace $general" ;;
    top) _kcsctl_words "--interval --sort --once $general" ;;
    metrics) _kcsctl_words "--format --http -o $general" ;;
    capture) _kcsctl_words "dump follow convert $general" ;;
    "capture dump") _kcsctl_channels "--all -o $general" ;;
    "capture follow") _kcsctl_channels "--from-oldest $general" ;;
    "capture convert") [[ $current == -* ]] && _kcsctl_words "-o $general" || _kcsctl_files ;;
    "capture convert "*) _kcsctl_words "-o $general" ;;
    plugin) _kcsctl_words "list info $general" ;;
    "plugin list") _kcsctl_words "--plugin-path --trust $general" ;;
    "plugin info")
        if [[ $current == */* || $current == .* ]]; then
            _kcsctl_files
        else
            local names
            names=$("${COMP_WORDS[0]}" plugin list 2>/dev/null | while read -r name _; do
                [[ $name == NAME ]] || echo "$name"
            done)
            _kcsctl_words "$names --plugin-path --trust --device $general"
        fi
        ;;
    "plugin info "*) _kcsctl_words "--plugin-path --trust --device $general" ;;
    decode) [[ $current == -* ]] && _kcsctl_words "--channel --since --until --errors --messages --link -o $general" || _kcsctl_files ;;
    "decode "*) [[ $current == -* ]] || { _kcsctl_files; return; }; _kcsctl_words "--channel --since --until --errors --messages --link -o $general" ;;
    *) _kcsctl_words "$general" ;;
    esac
}

complete -F _kcsctl kcsctl
