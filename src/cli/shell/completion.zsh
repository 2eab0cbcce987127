#compdef brokerctl
# Completion of brokerctl for zsh: brokerctl itself says what fits.
_brokerctl() {
  local line directive=''
  local -a values shown
  while IFS= read -r line; do
    if [[ -z $directive ]]; then
      directive=$line
      continue
    fi
    values+=("${line%%$'\t'*}")
    shown+=("${line/$'\t'/  -- }")
  done < <(command brokerctl completion zsh -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)
  case $directive in
    files) _files ;;
    command)
      shift ${words[(i)--]} words
      (( CURRENT = $#words ))
      _normal ;;
    *) (( $#values )) && compadd -l -d shown -a -- values ;;
  esac
}

# Autoloaded from fpath: this call is the first. Evaluated in a start file: for later ones.
if [[ ${funcstack[1]-} == _brokerctl ]]; then
  _brokerctl "$@"
elif (( ${+functions[compdef]} )); then
  compdef _brokerctl brokerctl
fi
