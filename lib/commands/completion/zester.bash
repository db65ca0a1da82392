# bash completion for zester: put `source <(zester completion bash)` into ~/.bashrc.
# The executable knows the words; it answers within 300 ms, or with nothing.

# What the shell reads $1 as goes to $plain, and the quote that is open at its end to $quote; $2 is open at its beginning.
_zester_unquote() {
  local i char next
  plain='' quote=$2
  for ((i = 0; i < ${#1}; i++)); do
    char=${1:i:1} next=${1:i+1:1}
    if [[ $char == "$quote" ]]; then
      quote=''
    elif [[ -z $quote && $char == [\'\"] ]]; then
      quote=$char
    elif [[ $char == \\ && (-z $quote || ($quote == '"' && $next == [\"\\\$\`])) ]]; then
      plain+=$next
      ((i++))
    else
      plain+=$char
    fi
  done
}

_zester() {
  local line=${COMP_LINE:0:COMP_POINT} words=() word gap i answer width=0 lines=() current keep plain quote
  COMPREPLY=()

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
  for i in "${!words[@]}"; do
    _zester_unquote "${words[i]}" ''
    words[i]=$plain
  done
  current=$plain

  # Readline replaces only $2: what stands after the last = or :, unless that is quoted or escaped. The rest is kept.
  _zester_unquote "$2" "$quote"
  keep=${current%"$plain"}
  [[ $current == "$keep$plain" ]] || return 0

  answer=$(command zester __complete "${words[@]:1:${#words[@]}-2}" "=$current" 2>/dev/null) || return 0
  if [[ $answer == :files ]]; then
    compopt -o filenames 2>/dev/null
    gap=''
    [[ $current == -*=* ]] && gap=${current%%=*}=
    while IFS= read -r word; do
      word=$gap$word
      COMPREPLY+=("${word#"$keep"}")
    done < <(compgen -f -- "${current#"$gap"}")
    return 0
  fi

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
