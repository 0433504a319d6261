# Made by .ci/manual; do not edit.
complete -c kcsmuxd -l config -r -d 'the configuration (default /etc/kcsmux/kcsmux.yaml)'
complete -c kcsmuxd -l check-config -d 'check FILE, its plugins and their options, and exit'
complete -c kcsmuxd -l print-config -d 'print FILE as it takes effect, and exit'
complete -c kcsmuxd -l print-needs -d 'print what FILE needs of the machine, and exit'
complete -c kcsmuxd -l check-plugin -r -d 'load that plugin, as is tried in a process of its own before'
complete -c kcsmuxd -l log-level -x -a 'error warning notice info debug trace' -d 'error, warning, notice, info, debug or trace'
complete -c kcsmuxd -l version -d 'print version, plugin ABI and build, and exit'
complete -c kcsmuxd -l help -d 'print this, and exit'
