
__credbroker_pid() {
  pid=$$
  if ((ZSH_SUBSHELL)) && zmodload zsh/system 2>/dev/null; then pid=${sysparams[pid]}; fi
}

__credbroker_now() {
  zmodload zsh/datetime 2>/dev/null && now=$EPOCHSECONDS
}

# First of all, so that what builds a prompt there finds it done.
__credbroker_prompt() {
  local code=$?
  @OPTIONS@
  __credbroker_look
  __credbroker_tell
  if [[ -z ${_comps[brokerctl]-} ]]; then __credbroker_register; fi
  return $code
}

# Completion may be initialized after us.
__credbroker_register() {
  if (( ${+functions[compdef]} )); then compdef _brokerctl brokerctl; fi
}

# First in the list, whatever the options of the shell are.
__credbroker_install() {
  @OPTIONS@
  typeset -ga precmd_functions
  if (( ! ${precmd_functions[(I)__credbroker_prompt]} )); then
    precmd_functions=(__credbroker_prompt "${precmd_functions[@]}")
  fi
}

__credbroker_start
__credbroker_install
unfunction __credbroker_install
if [[ -n $__credbroker_aliases ]]; then setopt aliases; fi
unset __credbroker_aliases
