# Shell integration of credbroker, written by `brokerctl hook fish`; edits here are lost. Its first line is kept by brokerd.
@PREFACE@
set -g __credbroker_dir @DIR@
set -g __credbroker_socket @SOCKET@
set -g __credbroker_waiting ''
set -g CREDBROKER_ROLE ''
set -g CREDBROKER_PROMPT ''

# Whether CREDBROKER_LEASE speaks of the lease that this shell's variables hold.
function __credbroker_known
    set -l mark (string split : -- "$CREDBROKER_LEASE")
    test (count $mark) -eq 3 -a -n "$mark[2]"; or return 1
    switch "$AWS_CONTAINER_CREDENTIALS_FULL_URI"
        case 'http://127.0.0.1:*/lease/*'$mark[2]
            return 0
        case 'http://127.0.0.1:*/creds'
            string match -q -- '*'$mark[2] "$AWS_CONTAINER_AUTHORIZATION_TOKEN"
            return
    end
    return 1
end

# Follows the region of the role, or else of the user's [default], as long as no other setting has chosen one.
function __credbroker_follow -a region
    set -l ours "$CREDBROKER_REGION"
    test "$region" = - -a -n "$__credbroker_home_region"; and set region $__credbroker_home_region
    test "$AWS_REGION:$AWS_DEFAULT_REGION" = "$ours:$ours"; or return 0
    if test "$region" = -
        test -n "$ours"; and set -e AWS_REGION AWS_DEFAULT_REGION CREDBROKER_REGION
    else if test "$region" != "$ours"
        set -gx AWS_REGION $region
        set -gx AWS_DEFAULT_REGION $region
        set -gx CREDBROKER_REGION $region
    end
    return 0
end

# The default lease, as the first line of this file has it: unless brokerd's socket is gone, and with it perhaps its port.
function __credbroker_take
    string match -q -- 'http://127.0.0.1:*/lease/brk_* * *' "$__credbroker_default"; or return 1
    test -S $__credbroker_socket; or return 1
    set -l words (string split ' ' -- $__credbroker_default)
    set -gx AWS_CONTAINER_CREDENTIALS_FULL_URI $words[1]
    set -gx CREDBROKER_LEASE $words[2]:(string sub -s -8 -- $words[1]):default
    __credbroker_follow $words[3]
end

function __credbroker_reread
    set -l file $__credbroker_dir/hook.fish
    test -r $file; or return 1
    read -l line <$file; or return 1
    set -g __credbroker_default (string replace -r "^set -g __credbroker_default '(.*)'\$" '$1' -- "$line")
end

# Something that programs take before they ask brokerd.
function __credbroker_shadowed
    test -n "@SHADOWING@"
end

# A new shell has the default lease, unless it was given something else.
function __credbroker_start
    set -g __credbroker_waiting ''
    if begin
            test -z "$AWS_CONTAINER_CREDENTIALS_FULL_URI"; and not __credbroker_shadowed
        end; or __credbroker_is_strange
        __credbroker_take; or set -g __credbroker_waiting 1
    else if test "$AWS_CONTAINER_CREDENTIALS_FULL_URI" = (string split ' ' -- "$__credbroker_default")[1]
        __credbroker_known; or __credbroker_take
    end
    return 0
end

# Whether the variables are those of another shell: one that has ended, or that goes on by itself in another terminal, as
# the one from which tmux or an editor was started. A shell that waits for us shares its lease until our first `use`.
function __credbroker_is_strange
    set -l mark (string split : -- "$CREDBROKER_LEASE")
    string match -qr '^\d+$' -- "$mark[3]"; or return 1
    test "$mark[3]" != $fish_pid; or return 1
    __credbroker_known; or return 1
    test -r $__credbroker_dir/leases/$mark[1]; or return 0
    test -r /proc/self/stat; or return 1
    set -l ours (__credbroker_session self)
    set -l theirs (__credbroker_session $mark[3])
    test "$ours" != "$theirs"
end

# Of a process, as proc(5) has it behind the name in parentheses: state, parent, group, session.
function __credbroker_session -a pid
    set -l file /proc/$pid/stat
    test -r $file; or return 1
    read -l line <$file; or return 1
    string split -f 4 ' ' -- (string replace -r '.*\) ' '' -- "$line")
end

# Sets CREDBROKER_PROMPT, and CREDBROKER_ROLE where programs of this shell get one from brokerd.
function __credbroker_look --on-event fish_prompt
    set -g CREDBROKER_ROLE ''
    set -g CREDBROKER_PROMPT ''
    test -n "$__credbroker_waiting"; and __credbroker_reread; and __credbroker_start
    switch "$AWS_CONTAINER_CREDENTIALS_FULL_URI"
        case 'http://127.0.0.1:*/lease/brk_*' 'http://127.0.0.1:*/creds'
        case '*'
            return 0
    end
    if __credbroker_shadowed
        set -g CREDBROKER_PROMPT '?shadowed'
    else if not __credbroker_known
        set -g CREDBROKER_PROMPT '?unknown'
    else if not test -S $__credbroker_socket
        set -g CREDBROKER_PROMPT '?stopped'
    else if not __credbroker_read; and not begin
            __credbroker_renew; and __credbroker_read
        end
        set -g CREDBROKER_PROMPT '?ended'
    else
        __credbroker_show $__credbroker_line
    end
    return 0
end

# What comes before the broker, said once, and again only when it is something else. Exported, so that it is not said once
# more by every shell started from this one.
function __credbroker_tell --on-event fish_prompt
    set -l names
    for name in @NAMES@
        test -n "$$name"; and set -a names $name
    end
    test -n "$names" -a "$names" != "$CREDBROKER_TOLD"; or return 0
    set -gx CREDBROKER_TOLD "$names"
    echo "brokerctl: hint: programs in this shell take $names before the broker: unset them, or brokerctl use ROLE" >&2
end

# The lease's file, which brokerd writes, into __credbroker_line: role until then end region.
function __credbroker_read
    set -l file $__credbroker_dir/leases/(string split -m 1 : -- $CREDBROKER_LEASE)[1]
    test -r $file; or return 1
    read -l line <$file; or return 1
    # Nothing else is ever shown, or taken for a number.
    string match -qr '^[\w./@+:=,?-]+ \d+ [\w./@+:=,?-]+ \d+ [\w.-]+$' -- "$line"; or return 1
    set -g __credbroker_line (string split ' ' -- $line)
end

# The default lease has another token, or brokerd another port.
function __credbroker_renew
    string match -q '*:default' -- "$CREDBROKER_LEASE"; and __credbroker_reread; and __credbroker_take
end

# The age of a file and its date are the time of day, without a process; fish before 3.5 cannot tell it.
function __credbroker_now
    builtin -q path; or return 1
    math (path mtime $__credbroker_dir) + (path mtime -R $__credbroker_dir)
end

function __credbroker_show -a role until then end region
    set -l left ''
    if test $until:$end != 0:0
        set -l now (__credbroker_now)
        if test -z "$now"
            set left '(temporary)'
        else if test $end -ne 0 -a $now -ge $end
            set -g CREDBROKER_PROMPT '?ended'
            return
        else if test $until -ne 0 -a $now -gt $until
            set role $then
            set region ''
        else if test $until -eq $now
            set role '?'
        else if test $until -ne 0
            set left '('(math -s0 "($until - $now + 59) / 60")'m)'
        end
    end
    switch $role
        case -
            set -g CREDBROKER_PROMPT '?none'
        case '\?'
            set -g CREDBROKER_PROMPT '?changing'
        case '*'
            set -g CREDBROKER_ROLE $role
            set -g CREDBROKER_PROMPT $role$left
    end
    test -n "$region"; and __credbroker_follow $region
end

# Whether `use` would move a lease that is not this shell's own: the default one, or one of the shell we were started from.
function __credbroker_wants_own
    string match -qr '^(--default|--lease|--lease=.*|--help|-h)$' -- $argv; and return 1
    set -l owner (string split : -- "$CREDBROKER_LEASE")[3]
    test "$owner" = exec; and return 1
    if not __credbroker_known
        string match -q 'http://127.0.0.1:*brk_*' -- "$AWS_CONTAINER_CREDENTIALS_FULL_URI$AWS_CONTAINER_AUTHORIZATION_TOKEN"
        and return 1
        return 0
    end
    test "$owner" = env; and return 1
    test "$owner" = $fish_pid; or return 0
    test ! -r $__credbroker_dir/leases/(string split -m 1 : -- $CREDBROKER_LEASE)[1]
end

function __credbroker_make_own
    set -lx CREDBROKER_HOOK fish:@VERSION@
    set -l text (command brokerctl env --new --pid $fish_pid --format fish | string collect)
    set -l code $pipestatus[1]
    test $code -eq 0; or return $code
    eval $text
    set -g __credbroker_waiting ''
end

function brokerctl --description 'AWS credentials for every SDK and CLI from one local broker'
    if not command -q brokerctl
        echo 'brokerctl: error: brokerctl is not in PATH any more' >&2
        return 127
    end
    if test "$argv[1]" = use; and __credbroker_wants_own $argv
        __credbroker_make_own; or return
    end
    begin
        set -lx CREDBROKER_HOOK fish:@VERSION@
        command brokerctl $argv
    end
    or return
    test "$argv[1]" = use; and __credbroker_look
    return 0
end

__credbroker_start
