# Made by .ci/manual; do not edit.
_kcsmuxd() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    case $previous in
    -c | --config | --check-plugin) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")) ;;
    --log-level) COMPREPLY=($(compgen -W "error warning notice info debug trace" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "--config --check-config --print-config --print-needs --check-plugin --log-level --version --help" -- "$current")) ;;
    esac
}
complete -F _kcsmuxd kcsmuxd
