#compdef zester
# zsh completion for zester: save it as _zester in a folder of $fpath, or put `source <(zester completion zsh)` into
# ~/.zshrc, after compinit. The executable knows the words; it answers within 300 ms, or with nothing.

_zester() {
  local -a lines described
  local line word
  lines=("${(@f)$(command zester __complete "${(@Q)words[2,CURRENT-1]}" "=${(Q)PREFIX}" 2>/dev/null)}")
  for line in $lines; do
    if [[ $line == :files ]]; then
      [[ $PREFIX == -*=* ]] && compset -P '*='
      _files
      return
    fi
    word=${${line%%$'\t'*}//:/\\:}
    [[ $line == *$'\t'?* ]] && word+=":${line#*$'\t'}"
    described+=("$word")
  done
  ((${#described})) && _describe -V zester described
}

if [[ $funcstack[1] == _zester ]]; then
  _zester "$@"
else
  (($+functions[compdef])) && compdef _zester zester
fi
