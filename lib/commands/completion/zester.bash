# bash completion for zester: put `source <(zester completion bash)` into ~/.bashrc.
# The executable knows the words; it answers within 300 ms, or with nothing.

_zester() {
  local line=${COMP_LINE:0:COMP_POINT} words=() word gap i answer width=0 lines=() current keep

  # Bash splits words at = and : as well; here only white space parts them.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    gap=${line%%[![:space:]]*}
    line=${line#"$gap"}
    word=${COMP_WORDS[i]}
    ((i == COMP_CWORD)) && word=$line
    line=${line#"$word"}
    if ((i == 0)) || [[ -n $gap || -z $word ]]; then
      words+=("$word")
    else
      words[${#words[@]} - 1]+=$word
    fi
  done
  # Quotes say where a word ends, which is known by now.
  words=("${words[@]//[\'\"\\]/}")
  current=${words[${#words[@]} - 1]}

  COMPREPLY=()
  answer=$(command zester __complete "${words[@]:1:${#words[@]}-2}" "=$current" 2>/dev/null) || return 0
  if [[ $answer == :files ]]; then
    compopt -o filenames 2>/dev/null
    [[ $current == -*=* ]] && current=${current#*=}
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
    return 0
  fi

  # Readline replaces only what stands after the last = or :, and after an @ that sign too.
  keep=${current%"${current##*["$COMP_WORDBREAKS"]}"}
  keep=${keep%@}
  while IFS= read -r word; do
    [[ -n $word ]] || continue
    word=${word#"$keep"}
    lines+=("$word")
    word=${word%%$'\t'*}
    COMPREPLY+=("$word")
    ((${#word} > width)) && width=${#word}
  done <<<"$answer"
  compopt -o nosort 2>/dev/null

  # A list for people to read (Tab twice): each word with what it means.
  if ((${#lines[@]} > 1)) && [[ $COMP_TYPE == 63 || $COMP_TYPE == 33 ]]; then
    for i in "${!lines[@]}"; do
      [[ ${lines[i]} == *$'\t'?* ]] || continue
      printf -v word "%-${width}s  (%s)" "${COMPREPLY[i]}" "${lines[i]#*$'\t'}"
      COMPREPLY[i]=${word:0:${COLUMNS:-80}-1}
    done
  fi
  return 0
}

complete -F _zester zester
