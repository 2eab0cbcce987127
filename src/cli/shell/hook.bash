
__credbroker_pid() { pid=${BASHPID:-$$}; }

# bash 3.2 cannot tell the time without starting a process.
__credbroker_now() {
  if ((BASH_VERSINFO[0] > 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 2))); then printf -v now '%(%s)T' -1; fi
}

# First of all, so that what builds a prompt there finds it done; what it was preceded by keeps its exit code.
__credbroker_prompt() {
  local code=$?
  __credbroker_look || :
  __credbroker_tell || :
  return "$code"
}

__credbroker_start
if [[ ${PROMPT_COMMAND[*]-} != *__credbroker_prompt* ]]; then
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)) && [[ -n ${PROMPT_COMMAND[*]+set} && ${PROMPT_COMMAND@a} == *a* ]]; then
    PROMPT_COMMAND=(__credbroker_prompt "${PROMPT_COMMAND[@]}")
  else
    PROMPT_COMMAND="__credbroker_prompt${PROMPT_COMMAND:+; $PROMPT_COMMAND}"
  fi
fi
if [[ -n $__credbroker_aliases ]]; then shopt -s expand_aliases; fi
unset __credbroker_aliases
