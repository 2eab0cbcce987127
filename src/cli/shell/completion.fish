function __credbroker_complete
    # Completion of brokerctl for fish: brokerctl itself says what fits. No comment stands before code: eval of `(…)` joins
    # lines, and it would swallow everything, silently; so that is a syntax error.
    set -l lines (command brokerctl completion fish -- (commandline -opc) (commandline -ct) 2>/dev/null </dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path (commandline -ct)
        case command
            set -l words (commandline -opc) (commandline -ct)
            set -l end (contains -i -- -- $words)
            complete -C (string join ' ' -- (string escape -- $words[(math $end + 1)..-2]) $words[-1])
        case '*'
            test (count $lines) -gt 1; and printf '%s\n' $lines[2..-1]
    end
end
complete -c brokerctl -f -a '(__credbroker_complete)'
