__credbroker_dir=@DIR@
__credbroker_socket=@SOCKET@
__credbroker_waiting=''
CREDBROKER_ROLE='' CREDBROKER_PROMPT=''

# Whether CREDBROKER_LEASE speaks of the lease that this shell's variables hold.
__credbroker_known() {
  local tail=${CREDBROKER_LEASE-}
  tail=${tail#*:}
  tail=${tail%%:*}
  [[ -n $tail ]] || return 1
  case ${AWS_CONTAINER_CREDENTIALS_FULL_URI-} in
    http://127.0.0.1:*/lease/*"$tail") return 0 ;;
    http://127.0.0.1:*/creds) [[ ${AWS_CONTAINER_AUTHORIZATION_TOKEN-} == *"$tail" ]] ;;
    *) return 1 ;;
  esac
}

# Follows the region of the role, or else of the user's [default], as long as no other setting has chosen one.
__credbroker_follow() {
  local ours=${CREDBROKER_REGION-} region=$1
  [[ $region != - ]] || region=${__credbroker_home_region:--}
  [[ ${AWS_REGION-}:${AWS_DEFAULT_REGION-} == "$ours:$ours" && $region != "${ours:--}" ]] || return 0
  if [[ $region == - ]]; then
    unset AWS_REGION AWS_DEFAULT_REGION CREDBROKER_REGION
  else
    export AWS_REGION="$region" AWS_DEFAULT_REGION="$region" CREDBROKER_REGION="$region"
  fi
}

# The default lease, as the first line of this file has it: unless brokerd's socket is gone, and with it perhaps its port.
__credbroker_take() {
  local url=${__credbroker_default%% *} rest=${__credbroker_default#* }
  case $__credbroker_default in
    http://127.0.0.1:*/lease/brk_*' '*' '*) ;;
    *) return 1 ;;
  esac
  [[ -S $__credbroker_socket ]] || return 1
  export AWS_CONTAINER_CREDENTIALS_FULL_URI="$url" CREDBROKER_LEASE="${rest%% *}:${url: -8}:default"
  __credbroker_follow "${rest#* }"
}

__credbroker_reread() {
  local line='' quote="'"
  { IFS= read -r line < "$__credbroker_dir/hook.@SHELL@"; } 2>/dev/null || return 1
  line=${line#*=$quote}
  __credbroker_default=${line%$quote}
}

# A new shell has the default lease, unless it was given something else.
__credbroker_start() {
  @OPTIONS@
  local uri=${AWS_CONTAINER_CREDENTIALS_FULL_URI-}
  __credbroker_waiting=''
  if [[ -z "$uri@SHADOWING@" ]] || __credbroker_is_strange; then
    __credbroker_take || __credbroker_waiting=1
  elif [[ $uri == "${__credbroker_default%% *}" ]] && ! __credbroker_known; then
    __credbroker_take || :
  fi
}

# Whether the variables are those of another shell: one that has ended, or that goes on by itself in another terminal, as
# the one from which tmux or an editor was started. A shell that waits for us shares its lease until our first `use`.
__credbroker_is_strange() {
  local owner=${CREDBROKER_LEASE-} session='' ours=''
  owner=${owner##*:}
  case $owner in '' | *[!0-9]* | $$) return 1 ;; esac
  __credbroker_known || return 1
  [[ -r $__credbroker_dir/leases/${CREDBROKER_LEASE%%:*} ]] || return 0
  if [[ -r /proc/self/stat ]]; then
    __credbroker_session self && ours=$session
    __credbroker_session "$owner" && [[ $session == "$ours" ]] && return 1
    return 0
  fi
  [[ $PPID != "$owner" ]]
}

# Of a process, as proc(5) has it behind the name in parentheses: state, parent, group, session.
__credbroker_session() {
  { IFS= read -r session < "/proc/$1/stat"; } 2>/dev/null || return 1
  session=${session##*) }
  session=${session#* * * }
  session=${session%% *}
}

# Sets CREDBROKER_PROMPT, and CREDBROKER_ROLE where programs of this shell get one from brokerd.
__credbroker_look() {
  @OPTIONS@
  local role='' until='' then='' end='' region='' rest='' now='' left=''
  CREDBROKER_ROLE='' CREDBROKER_PROMPT=''
  if [[ -n $__credbroker_waiting ]] && __credbroker_reread; then __credbroker_start; fi
  case ${AWS_CONTAINER_CREDENTIALS_FULL_URI-} in
    http://127.0.0.1:*/lease/brk_* | http://127.0.0.1:*/creds) ;;
    *) return 0 ;;
  esac
  if [[ -n "@SHADOWING@" ]]; then
    CREDBROKER_PROMPT='?shadowed'
  elif ! __credbroker_known; then
    CREDBROKER_PROMPT='?unknown'
  elif [[ ! -S $__credbroker_socket ]]; then
    CREDBROKER_PROMPT='?stopped'
  elif ! __credbroker_read && ! { __credbroker_renew && __credbroker_read; }; then
    CREDBROKER_PROMPT='?ended'
  else
    __credbroker_show
  fi
}

# Said at a prompt, as at the start of a shell some prompts take it amiss: what comes before the broker, once, and again
# only when it is something else. Exported, so that it is not said once more by every shell started from this one.
__credbroker_tell() {
  @OPTIONS@
  local names=''
@NAMES@
  [[ -n $names && $names != "${CREDBROKER_TOLD-}" ]] || return 0
  export CREDBROKER_TOLD="$names"
  printf '%s\n' "brokerctl: hint: programs in this shell take$names before the broker: unset them, or brokerctl use ROLE" >&2
}

# The lease's file, which brokerd writes: into role until then end region of the caller.
__credbroker_read() {
  local file=$__credbroker_dir/leases/${CREDBROKER_LEASE%%:*}
  [[ -r $file ]] || return 1
  { IFS=' ' read -r role until then end region rest < "$file"; } 2>/dev/null || return 1
  # Nothing else is ever shown, or taken for a number.
  case $role$then$region in *[!A-Za-z0-9._/@+:=,?-]*) return 1 ;; esac
  case $until:$end in :* | *: | *[!0-9:]*) return 1 ;; esac
}

# The default lease has another token, or brokerd another port.
__credbroker_renew() {
  [[ ${CREDBROKER_LEASE-} == *:default ]] && __credbroker_reread && __credbroker_take
}

__credbroker_show() {
  if [[ $until:$end != 0:0 ]]; then
    __credbroker_now
    if [[ -z $now ]]; then
      left='(temporary)'
    elif [[ $end -ne 0 && $now -ge $end ]]; then
      CREDBROKER_PROMPT='?ended'
      return 0
    elif [[ $until -ne 0 && $now -gt $until ]]; then
      role=$then region=''
    elif [[ $until -eq $now ]]; then
      role='?'
    elif [[ $until -ne 0 ]]; then
      left="($(((until - now + 59) / 60))m)"
    fi
  fi
  case $role in
    -) CREDBROKER_PROMPT='?none' ;;
    '?') CREDBROKER_PROMPT='?changing' ;;
    *) CREDBROKER_ROLE=$role CREDBROKER_PROMPT=$role$left ;;
  esac
  [[ -z $region ]] || __credbroker_follow "$region"
}

# Whether `use` would move a lease that is not this shell's own: the default one, or one of the shell we were started from.
__credbroker_wants_own() {
  local word
  for word in "$@"; do
    case $word in --default | --lease | --lease=* | --help | -h) return 1 ;; esac
  done
  case ${CREDBROKER_LEASE-} in *:exec) return 1 ;; esac
  if ! __credbroker_known; then
    case ${AWS_CONTAINER_CREDENTIALS_FULL_URI-}${AWS_CONTAINER_AUTHORIZATION_TOKEN-} in
      http://127.0.0.1:*brk_*) return 1 ;;
      *) return 0 ;;
    esac
  fi
  case ${CREDBROKER_LEASE##*:} in
    env) return 1 ;;
    $$ | "$pid") [[ ! -r $__credbroker_dir/leases/${CREDBROKER_LEASE%%:*} ]] ;;
    *) return 0 ;;
  esac
}

__credbroker_make_own() {
  local text=''
  text=$(CREDBROKER_HOOK=@SHELL@:@VERSION@ command brokerctl env --new --pid "$pid") || return
  eval "$text"
  __credbroker_waiting=''
  [[ $pid == "$$" ]] ||
    printf '%s\n' 'brokerctl: hint: this is a subshell or part of a pipe: its lease ends with it, the shell itself is not moved' >&2
}

function brokerctl {
  @OPTIONS@
  local pid=''
  __credbroker_pid
  if [[ ${1-} == use ]] && __credbroker_wants_own "$@"; then
    __credbroker_make_own || return
  fi
  CREDBROKER_HOOK=@SHELL@:@VERSION@ command brokerctl "$@" || return
  [[ ${1-} != use ]] || __credbroker_look
}
