__credbroker_complete() {
  # Completion of brokerctl for bash: brokerctl itself says what fits. No comment stands before code: below `eval $(…)`
  # without quotes it would swallow everything, silently; so that is a syntax error.
  # Not <(…): bash before 5.1 does not know it as sh.
  local lines='' directive='' value='' first=1
  COMPREPLY=()
  lines=$(command brokerctl completion bash -- "${COMP_WORDBREAKS-}" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null)
  while IFS=$'\t' read -r value _; do
    if ((first)); then
      directive=$value first=0
    else
      COMPREPLY+=("$value")
    fi
  done <<< "$lines"
  case $directive in
    files) compopt -o default 2>/dev/null || : ;;
    command)
      lines=$(compgen -c -- "${2-}" 2>/dev/null)
      while IFS= read -r value; do COMPREPLY+=("$value"); done <<< "$lines" ;;
  esac
}
complete -F __credbroker_complete brokerctl
