# Completion of brokerctl for bash: brokerctl itself says what fits.
__credbroker_complete() {
  local directive='' value='' first=1
  COMPREPLY=()
  while IFS=$'\t' read -r value _; do
    if ((first)); then
      directive=$value first=0
    else
      COMPREPLY+=("$value")
    fi
  done < <(command brokerctl completion bash -- "${COMP_WORDBREAKS-}" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null)
  case $directive in
    files) compopt -o default 2>/dev/null || : ;;
    command)
      while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -c -- "${2-}" 2>/dev/null) ;;
  esac
}
complete -F __credbroker_complete brokerctl
