# Shell integration of credbroker, written by `brokerctl hook zsh`; edits here are lost. Its first line is kept by brokerd.
# Start files are read by other shells too (~/.profile by sh): to them this is nothing.
[ -n "${ZSH_VERSION-}" ] || return 0
# No alias may become part of what follows.
__credbroker_aliases=''
if [[ -o aliases ]]; then
  __credbroker_aliases=1
  \unsetopt aliases
fi
@PREFACE@
